"""A chat-completions endpoint on a real socket of the loopback interface, which answers as a test says."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-very-secret"


@dataclass
class Call:
    """One request as it came: path, headers in lower case, body, and the handler to answer with.

    ``ended`` is set when the test is over, for answers that wait.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    handler: BaseHTTPRequestHandler
    ended: threading.Event

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object of the user's message."""
        return dict(json.loads(self.body["messages"][-1]["content"]))

    def reply(self, content: str) -> None:
        """Answer with a chat completion of this text."""
        self.send(json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode())

    def rows(self, rows: list[dict[str, Any]]) -> None:
        """Answer with these rows."""
        self.reply(json.dumps({"rows": rows}))

    def refuse(self, error: Any, status: int = 400) -> None:
        """Answer with an error of the interface."""
        self.send(json.dumps({"error": error}).encode(), status, {"Retry-After": "0"})

    def send(self, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer with these bytes."""
        self.handler.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(data)


Answer = Callable[[Call], None]


@dataclass
class FakeTeacher:
    """The endpoint's address and what it was asked."""

    url: str
    answer: Answer
    calls: list[Call] = field(default_factory=list)

    @property
    def extras(self) -> dict[str, str]:
        """What a job is told of it."""
        return {"teacher.url": self.url, "teacher.model": "tutor-1", "teacher.key": KEY}


@contextmanager
def fake_teacher(answer: Answer) -> Iterator[FakeTeacher]:
    """An endpoint that answers each call so, while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = Call(self.path, {name.lower(): value for name, value in self.headers.items()}, body, self, ended)
            teacher.calls.append(call)
            try:
                teacher.answer(call)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ended = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        teacher = FakeTeacher(f"http://127.0.0.1:{server.server_port}/v1", answer)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield teacher
        finally:
            ended.set()
            server.shutdown()
            thread.join()


def about_topics(call: Call) -> None:
    """Answers as a good teacher of ``workplace.topics`` would: new texts of the topics that are wanted."""
    draw = random.Random(json.dumps(call.data))
    rows = []
    for number in range(call.data["write"]):
        topic = call.data["wanted"][number % len(call.data["wanted"])].removeprefix("c")
        words = " ".join(f"w{draw.randrange(50)}of{topic}" for _ in range(3))
        rows.append({"text": f"{words} filler{draw.randrange(30)} {draw.randrange(10**9)}", "label": f"c{topic}"})
    call.rows(rows)
