"""An MLflow tracking server that keeps what it is told, for tests: the REST calls the trainer makes, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse


@dataclass
class FakeMlflow:
    """What was told. ``refuse`` makes calls of that name fail; ``nonsense`` is answered to calls; ``delay`` makes each of them slow."""

    refuse: str = ""
    nonsense: dict[str, bytes] = field(default_factory=dict)
    delay: float = 0.0
    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: list[dict[str, Any]] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    authorizations: set[str | None] = field(default_factory=set)

    def __post_init__(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlparse(self.path)
                self._reply(address.path, {name: values[0] for name, values in parse_qs(address.query).items()})

            def do_POST(self) -> None:
                self._reply(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _reply(self, path: str, body: dict[str, Any]) -> None:
                call = path.removeprefix("/api/2.0/mlflow/")
                fake.calls.append(call)
                fake.authorizations.add(self.headers.get("Authorization"))
                time.sleep(fake.delay)
                status, answer = (500, {"error_code": "INTERNAL_ERROR", "message": "no disk"})
                if fake.refuse != call:
                    status, answer = fake.answer(call, body)
                data = fake.nonsense.get(call, json.dumps(answer).encode())
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def uri(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        """Stop the server."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, call: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body for one call."""
        exists = 400, {"error_code": "RESOURCE_ALREADY_EXISTS", "message": "there is one"}
        if call == "experiments/create":
            if body["name"] in self.experiments:
                return exists
            self.experiments[body["name"]] = str(len(self.experiments) + 1)
            return 200, {"experiment_id": self.experiments[body["name"]]}
        if call == "experiments/get-by-name":
            return 200, {"experiment": {"experiment_id": self.experiments[body["experiment_name"]]}}
        if call == "runs/create":
            run_id = f"run{len(self.runs)}"
            self.runs[run_id] = {**body, "metrics": [], "params": {}, "status": "RUNNING"}
            return 200, {"run": {"info": {"run_id": run_id}}}
        if call == "runs/log-batch":
            assert len(body.get("metrics", [])) <= 1000
            assert len(body.get("params", [])) <= 100
            self.runs[body["run_id"]]["metrics"] += body.get("metrics", [])
            self.runs[body["run_id"]]["params"] |= {pair["key"]: pair["value"] for pair in body.get("params", [])}
            return 200, {}
        if call == "runs/update":
            self.runs[body["run_id"]] |= {"status": body["status"], "end_time": body["end_time"]}
            return 200, {}
        if call == "registered-models/create":
            known = any(version["name"] == body["name"] for version in self.versions)
            return exists if known else (200, {"registered_model": body})
        if call == "model-versions/create":
            self.versions.append({**body, "version": str(len(self.versions) + 1)})
            return 200, {"model_version": self.versions[-1]}
        if call == "model-versions/search":
            return 200, {"model_versions": [version for version in self.versions if _fits(version, body["filter"])]}
        assert call == "registered-models/alias"
        self.aliases[f"{body['name']}@{body['alias']}"] = body["version"]
        return 200, {}


def _fits(version: dict[str, Any], condition: str) -> bool:
    """Whether all conditions hold, each ``name='…'`` or ``tags.`key`='…'``."""
    facts = {"name": version["name"]} | {f"tags.`{tag['key']}`": tag["value"] for tag in version["tags"]}
    wanted = [part.split("=", 1) for part in condition.split(" AND ")]
    return all(facts.get(name) == value.strip("'") for name, value in wanted)
