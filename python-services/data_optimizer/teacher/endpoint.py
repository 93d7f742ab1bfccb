"""One OpenAI-compatible chat-completions endpoint, spoken to within bounds: time, bytes, tries, no redirects.

Whatever it does ends in an answer's text or in a ``TeacherFault`` with a reason for people, which never holds the key or what it sent.
Not here: what is asked (``prompts``), and what an answer is worth (``answers``).
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from data_optimizer.teacher.address import TeacherAddress
from data_optimizer.teacher.faults import OlderName, Passing, TeacherFault, fault_of

#: Most that one answer may take and hold; a model on the operator's own processor is slow.
ANSWER_SECONDS = 120.0
ANSWER_BYTES = 512 * 1024
ANSWER_TOKENS = 4_096
_CONNECT_SECONDS = 5.0
#: Tries of one call where the endpoint is busy or fails, and the pauses between them; longer ones than the last are not waited out.
TRIES = 3
PAUSE_SECONDS = (1.0, 4.0)
_LONGEST_PAUSE_SECONDS = 30.0
#: What bounds an answer is called: at first, and where that is refused, as by OpenAI's newest models.
_BOUND, _NEWER_BOUND = "max_tokens", "max_completion_tokens"
#: Most that is read of a refusal.
_REFUSAL_BYTES = 8 * 1024
#: How often a cancel is listened for while waiting.
_STEP_SECONDS = 0.2


class Endpoint:
    """Asks the endpoint. ``requests`` counts what was sent to it, with the tries that failed."""

    def __init__(self, address: TeacherAddress, check: Callable[[], None]) -> None:
        """``check`` is called before each try and a few times a second while waiting, and may raise."""
        # Unpacked by nobody: a small answer that unpacks to gigabytes is not for us.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if address.key:
            headers["Authorization"] = f"Bearer {address.key}"
        self.requests = 0
        self._url = f"{address.url.rstrip('/')}/chat/completions"
        self._model = address.model
        self._key = address.key
        self._bound = _BOUND
        self._check = check
        self._headers = headers

    def ask(self, messages: list[dict[str, str]]) -> str:
        """The text of one answer. Raises ``TeacherFault``."""
        for number in range(TRIES):
            self._check()
            try:
                return _content(self._answer(messages))
            except Passing as fault:
                pause = max(PAUSE_SECONDS[min(number, len(PAUSE_SECONDS) - 1)], fault.pause or 0.0)
                if number + 1 == TRIES or pause > _LONGEST_PAUSE_SECONDS:
                    raise TeacherFault(f"{fault}, at {number + 1} of {TRIES} tries") from None
                self._wait(pause)
        raise AssertionError("unreachable")

    def _answer(self, messages: list[dict[str, str]]) -> bytes:
        """One try, and at once another where the bound must have its newer name, which is kept from then on."""
        try:
            return self._post(self._body(messages))
        except OlderName:
            self._bound = _NEWER_BOUND
            return self._post(self._body(messages))

    def _body(self, messages: list[dict[str, str]]) -> dict[str, Any]:
        return {"model": self._model, "messages": messages, self._bound: ANSWER_TOKENS, "stream": False}

    def _post(self, body: dict[str, Any]) -> bytes:
        """The whole exchange within its time, however slowly it trickles; one that is given up ends with the job's process."""
        self.requests += 1
        answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put(self._exchange(body))
            except (TeacherFault, Passing, OlderName) as fault:
                answers.put(fault)
            except Exception as fault:  # noqa: BLE001 - a proxy, certificates or a name that cannot be used: no fault of the job
                answers.put(TeacherFault(f"speaking with it failed ({type(fault).__name__})"))

        threading.Thread(target=work, name="teacher", daemon=True).start()
        until = time.monotonic() + ANSWER_SECONDS
        while (left := until - time.monotonic()) > 0:
            self._check()
            try:
                answer = answers.get(timeout=min(left, _STEP_SECONDS))
            except queue.Empty:
                continue
            if isinstance(answer, Exception):
                raise answer
            return answer
        raise TeacherFault(_too_slow())

    def _exchange(self, body: dict[str, Any]) -> bytes:
        until = time.monotonic() + ANSWER_SECONDS
        patience = httpx.Timeout(ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        try:
            with (
                httpx.Client(headers=self._headers, timeout=patience, follow_redirects=False) as http,
                http.stream("POST", self._url, json=body) as response,
            ):
                self._refuse(response, until)
                data = _read(response, ANSWER_BYTES, until)
                if len(data) > ANSWER_BYTES:
                    raise TeacherFault(f"its answer is longer than {ANSWER_BYTES // 1024} KiB")
                return data
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError) as fault:
            raise Passing(f"it cannot be reached ({type(fault).__name__})") from None
        except httpx.TimeoutException:
            raise TeacherFault(_too_slow()) from None

    def _refuse(self, response: httpx.Response, until: float) -> None:
        """Raise where the status is not that of an answer."""
        status = response.status_code
        if status == httpx.codes.OK:
            return
        if response.is_redirect:
            raise TeacherFault("it answered with a redirect, and none is followed")
        refusal = _read(response, _REFUSAL_BYTES, until) if response.is_client_error else b""
        if status == httpx.codes.BAD_REQUEST and self._bound == _BOUND and _BOUND.encode() in refusal:
            raise OlderName
        raise fault_of(response, refusal, self._key)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, _STEP_SECONDS))


def _too_slow() -> str:
    return f"it did not answer within {ANSWER_SECONDS:g} seconds"


def _read(response: httpx.Response, most: int, until: float) -> bytes:
    """What the response holds, up to a piece beyond ``most`` bytes."""
    data = bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > most:
            break
        if time.monotonic() > until:
            raise TeacherFault(_too_slow())
    return bytes(data)


def _content(data: bytes) -> str:
    """The text of a chat completion. Raises ``TeacherFault`` where it is none."""
    try:
        content = json.loads(data)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        content = None
    if not isinstance(content, str):
        raise TeacherFault("its answer is not a chat completion")
    return content
