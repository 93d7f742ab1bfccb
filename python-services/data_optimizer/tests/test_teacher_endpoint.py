"""A teacher that is busy, slow, broken, hostile or away fails no job: over real sockets, never a call outside of this machine."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from data_optimizer.job import run
from data_optimizer.teacher import answers, endpoint, teacher
from data_optimizer.teacher.answers import objects_in
from data_optimizer.tests.fake_teacher import KEY, Answer, Call, about_topics, fake_teacher
from data_optimizer.tests.teaching import FILES, asked_iteration, written_rows
from data_optimizer.tests.test_feedback import finding
from data_optimizer.tests.workplace import Workplace
from wlops_common.job_context import JobInterrupted
from wlops_common.testing import job_context

#: A key that could be a word.
WORDY_KEY = "secretsecretsecret"
pytestmark = pytest.mark.usefixtures("no_pauses")


def test_a_busy_teacher_is_asked_again(workplace: Workplace) -> None:
    statuses = iter([500, 429])

    def busy(call: Call) -> None:
        status = next(statuses, 200)
        if status == 200:
            about_topics(call)
        else:
            call.send(b"busy", status, {"Retry-After": "0"})

    later, told, calls = asked_iteration(workplace, busy)
    assert told["requests"] == len(calls) == told["calls"] + 2
    assert told["faults"] == {}
    assert written_rows(workplace, later).height > 20


def test_a_teacher_that_wants_the_newer_name_of_the_bound_gets_it_from_then_on(workplace: Workplace) -> None:
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."

    def newest(call: Call) -> None:
        if "max_tokens" in call.body:
            call.refuse({"message": said, "type": "invalid_request_error", "code": "unsupported_parameter"})
        else:
            about_topics(call)

    later, told, calls = asked_iteration(workplace, newest)
    assert (told["faults"], told["requests"]) == ({}, told["calls"] + 1)
    bounds = [name for call in calls for name in call.body if name.startswith("max_")]
    assert bounds == ["max_tokens", *["max_completion_tokens"] * told["calls"]]
    assert told["calls"] > 1
    assert written_rows(workplace, later).height > 20


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        ({"message": KEY, "code": "model_not_found"}, 404, "it refused with status 404 (model_not_found)"),
        ({"message": "max_tokens is 9", "code": None, "type": "BadRequest"}, 400, "it refused with status 400 (BadRequest)"),
        ({"code": "insufficient_quota"}, 429, "it answered with status 429 (insufficient_quota), at 3 of 3 tries"),
        ({"code": KEY}, 401, "it refused with status 401"),
        ({"code": f"key_{WORDY_KEY}"}, 401, "it refused with status 401"),
        ({"code": WORDY_KEY[:12]}, 401, "it refused with status 401"),
        ({"code": "w" * 65}, 400, "it refused with status 400"),
        ({"code": 17, "type": ["x"]}, 400, "it refused with status 400"),
        ("no", 400, "it refused with status 400"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_by_its_code_and_never_by_what_it_may_repeat(
    workplace: Workplace, error: Any, status: int, reason: str
) -> None:
    first = workplace.optimise(FILES)
    with fake_teacher(lambda call: call.refuse(error, status)) as server:
        workplace.extras = {**server.extras, "teacher.key": WORDY_KEY if WORDY_KEY[:12] in str(error) else KEY}
        later = workplace.improve(FILES, first, [finding("generate", "label", "c2")])
    assert workplace.json(later.log)["recipe"]["teacher"]["faults"] == {reason: 2}


def _hang(call: Call) -> None:
    call.ended.wait()


def _trickle(call: Call) -> None:
    call.handler.send_response(200)
    call.handler.end_headers()
    _drip(call)


def _trickling_head(call: Call) -> None:
    call.handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(call)


def _drip(call: Call) -> None:
    while not call.ended.wait(0.05):
        call.handler.wfile.write(b" ")
        call.handler.wfile.flush()


def _huge(call: Call) -> None:
    call.send(b'{"choices": [' + b" " * 3_000_000)


def _redirect(call: Call) -> None:
    call.send(b"", 307, {"Location": f"http://{call.headers['host']}/elsewhere"})


@pytest.mark.parametrize(
    ("answer", "reason", "requests"),
    [
        (_hang, "it did not answer within 0.2 seconds", 2),
        (_trickle, "it did not answer within 0.2 seconds", 2),
        (_trickling_head, "it did not answer within 0.2 seconds", 2),
        (_huge, "its answer is longer than 512 KiB", 2),
        (_redirect, "it answered with a redirect, and none is followed", 2),
        (lambda call: call.send(b"no", 401), "it refused with status 401", 2),
        (lambda call: call.send(b"oh", 503), "it answered with status 503, at 3 of 3 tries", 6),
        (lambda call: call.send(b"", 429, {"Retry-After": "9999"}), "it answered with status 429, at 1 of 3 tries", 2),
        (lambda call: call.send(b"<html>"), "its answer is not a chat completion", 2),
        (lambda call: call.send(b"[" * 100_000), "its answer is not a chat completion", 2),
        (lambda call: call.send(b'{"choices": [{"message": {"content": null}}]}'), "its answer is not a chat completion", 2),
    ],
)  # fmt: skip
def test_a_teacher_that_fails_fails_no_job(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, answer: Answer, reason: str, requests: int
) -> None:
    if answer in (_hang, _trickle, _trickling_head):
        monkeypatch.setattr(endpoint, "ANSWER_SECONDS", 0.2)
    later, told, calls = asked_iteration(workplace, answer, "augment")
    assert told["faults"] == {reason: 2}
    assert [call.path for call in calls] == ["/v1/chat/completions"] * requests
    # The finding is acted on without it, by edited copies.
    assert written_rows(workplace, later).height == 0
    assert later.trial is not None
    assert [arm.arm for arm in later.trial.arms] == ["augment", "control augment"]
    for name in ("log.json", "log.html", "recipe.json"):
        assert KEY not in workplace.file(later, name).decode()


@pytest.mark.parametrize(
    "content", ["", "I cannot help with that.", "{" * 50_000, '{"a":' * 50_000, '{"rows": [1, null, "x"]}']
)
def test_an_answer_without_rows_is_nonsense_and_asked_for_once(workplace: Workplace, content: str) -> None:
    later, told, calls = asked_iteration(workplace, lambda call: call.reply(content))
    assert (told["calls"], told["rowsAnswered"], told["rowsAccepted"], len(calls)) == (1, 0, 0, 1)
    assert written_rows(workplace, later).height == 0


def test_nobody_listens(workplace: Workplace) -> None:
    first = workplace.optimise(FILES)
    with fake_teacher(about_topics) as server:
        pass
    workplace.extras = server.extras
    later = workplace.improve(FILES, first, [finding("generate", "label", "c2")])
    told = workplace.json(later.log)["recipe"]["teacher"]
    assert told["faults"] == {"it cannot be reached (ConnectError), at 3 of 3 tries": 2}


_LONG_LABEL = "x" * 80


@pytest.mark.parametrize(
    ("environment", "url", "fault"),
    [
        ({"ALL_PROXY": "socks5://127.0.0.1:9"}, None, "ImportError"),
        ({"ALL_PROXY": "socks4://127.0.0.1:9"}, None, "ValueError"),
        ({"SSL_CERT_FILE": "/nope.pem"}, None, "FileNotFoundError"),
        ({}, "http://a..b/v1", "UnicodeError"),
        ({}, f"http://{_LONG_LABEL}.test/v1", "UnicodeError"),
    ],
)
def test_what_cannot_be_spoken_with_fails_no_job(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str | None, fault: str
) -> None:
    first = workplace.optimise(FILES)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with fake_teacher(about_topics) as server:
        workplace.extras = {**server.extras, "teacher.url": url or server.extras["teacher.url"]}
        later = workplace.improve(FILES, first, [finding("augment", "label", "c2")])
    assert server.calls == []
    assert workplace.json(later.log)["recipe"]["teacher"]["faults"] == {f"speaking with it failed ({fault})": 2}
    assert KEY not in workplace.file(later, "log.json").decode()


def test_calls_of_an_iteration_are_bounded(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "CALLS", 3)
    first = workplace.optimise(FILES)
    asked = [finding("generate", "label", f"c{n}", 0.1, f"imp_{n}") for n in range(4)]
    with fake_teacher(about_topics) as server:
        workplace.extras = server.extras
        later = workplace.improve(FILES, first, asked)
    assert len(server.calls) == 3
    assert all(call.data["write"] <= teacher.ROWS_PER_CALL for call in server.calls)
    assert workplace.json(later.log)["recipe"]["teacher"]["calls"] == 3


@pytest.mark.parametrize("answer", [lambda call: call.send(b"", 500), _hang])
def test_a_cancel_is_heard_while_a_busy_or_slow_teacher_is_waited_for(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    naps: list[float] = []
    slow: list[bool] = []

    def too_slow() -> str:
        slow.append(True)
        return "too slow"

    monkeypatch.setattr(endpoint, "PAUSE_SECONDS", (20.0,))
    monkeypatch.setattr(endpoint, "ANSWER_SECONDS", 10.0)
    monkeypatch.setattr(endpoint, "_too_slow", too_slow)
    monkeypatch.setattr(endpoint, "time", SimpleNamespace(monotonic=time.monotonic, sleep=naps.append))
    first = workplace.optimise(FILES)
    feedback = workplace.store.put(
        "evaluations/1.json", json.dumps({"improvements": [finding("generate", "label", "c2")]}).encode()
    )
    request = workplace.request(FILES, 1, split=first.split, recipe=first.recipe, feedback=feedback)
    with fake_teacher(answer) as server:
        context = job_context(workplace.root, request, store=workplace.store, extras=server.extras)
        context.recorder.order = lambda: "cancel" if server.calls and (naps or answer is _hang) else None
        with pytest.raises(JobInterrupted):
            run(context, request)
        assert len(server.calls) == 1
    assert slow == []
    assert sum(naps) < 1


def test_beginnings_that_are_no_rows_are_tried_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_MOST_BEGINNINGS", 3)
    assert len(list(objects_in('{{{"a": 1}'))) == 1
    assert list(objects_in('{{{{"a": 1}')) == []


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"rows": [{"a": 1}, {"a": 2}]}', 2),
        ('[{"a": 1}, {"a": 2}]', 2),
        ('{"a": 1}\n{"a": 2}', 2),
        ('```json\n{"rows": [{"a": 1}]}\n```', 1),
        ('{"rows": [{"a": 1}, {"a": 2}, {"a": ', 2),
        ('Use {braces} as in {"a": 1}.', 1),
        ('{"rows": 7}', 0),
        ("nothing", 0),
    ],
)
def test_rows_are_read_out_of_what_surrounds_them(text: str, rows: int) -> None:
    assert len(list(objects_in(text))) == rows
