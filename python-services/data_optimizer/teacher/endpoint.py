"""One OpenAI-compatible chat-completions endpoint, spoken to within bounds: time, bytes, tries, no redirects.

Whatever it does ends in an answer's text or in a ``TeacherFault`` with a reason for people, which never holds the key or what it sent.
Not here: what is asked (``prompts``), and what an answer is worth (``answers``).
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

#: Most that one answer may take and hold; a model on the operator's own processor is slow.
ANSWER_SECONDS = 120.0
ANSWER_BYTES = 512 * 1024
ANSWER_TOKENS = 4_096
_CONNECT_SECONDS = 5.0
#: Tries of one call where the endpoint is busy or fails, and the pauses between them; longer ones than the last are not waited out.
TRIES = 3
PAUSE_SECONDS = (1.0, 4.0)
_LONGEST_PAUSE_SECONDS = 30.0
#: How often a cancel is listened for while waiting.
_STEP_SECONDS = 0.2


@dataclass(frozen=True)
class TeacherAddress:
    """Base address of the endpoint, such as ``http://127.0.0.1:11434/v1``, name of the model there, and the key, if it wants one."""

    url: str
    model: str
    key: str = field(default="", repr=False)


def address_of(extras: Mapping[str, str]) -> TeacherAddress | None:
    """The endpoint as the service's settings tell it (``OptimizerSettings.job_extras``); None where none is set."""
    url = extras.get("teacher.url", "")
    return TeacherAddress(url, extras.get("teacher.model", ""), extras.get("teacher.key", "")) if url else None


class TeacherFault(Exception):
    """The endpoint gave no answer; the message says why."""


class _Passing(Exception):
    """A fault that may pass, with the seconds that the endpoint asks to wait, if it does."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


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
        self._check = check
        self._headers = headers

    def ask(self, messages: list[dict[str, str]]) -> str:
        """The text of one answer. Raises ``TeacherFault``."""
        body = {"model": self._model, "messages": messages, "max_tokens": ANSWER_TOKENS, "stream": False}
        for number in range(TRIES):
            self._check()
            try:
                return _content(self._post(body))
            except _Passing as fault:
                pause = max(PAUSE_SECONDS[min(number, len(PAUSE_SECONDS) - 1)], fault.pause or 0.0)
                if number + 1 == TRIES or pause > _LONGEST_PAUSE_SECONDS:
                    raise TeacherFault(f"{fault}, at {number + 1} of {TRIES} tries") from None
                self._wait(pause)
        raise AssertionError("unreachable")

    def _post(self, body: dict[str, Any]) -> bytes:
        """The whole exchange within its time, however slowly it trickles; one that is given up ends with the job's process."""
        self.requests += 1
        answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put(self._exchange(body))
            except (TeacherFault, _Passing) as fault:
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
                _refuse(response)
                data = bytearray()
                for chunk in response.iter_raw():
                    data += chunk
                    if len(data) > ANSWER_BYTES:
                        raise TeacherFault(f"its answer is longer than {ANSWER_BYTES // 1024} KiB")
                    if time.monotonic() > until:
                        raise TeacherFault(_too_slow())
                return bytes(data)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError) as fault:
            raise _Passing(f"it cannot be reached ({type(fault).__name__})") from None
        except httpx.TimeoutException:
            raise TeacherFault(_too_slow()) from None

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, _STEP_SECONDS))


def _too_slow() -> str:
    return f"it did not answer within {ANSWER_SECONDS:g} seconds"


def _refuse(response: httpx.Response) -> None:
    """Raise where the status is not that of an answer."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        raise _Passing(f"it answered with status {status}", float(after) if after.isdecimal() else None)
    if response.is_redirect:
        raise TeacherFault("it answered with a redirect, and none is followed")
    if status != httpx.codes.OK:
        raise TeacherFault(f"it refused with status {status}")


def _content(data: bytes) -> str:
    """The text of a chat completion. Raises ``TeacherFault`` where it is none."""
    try:
        content = json.loads(data)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        content = None
    if not isinstance(content, str):
        raise TeacherFault("its answer is not a chat completion")
    return content
