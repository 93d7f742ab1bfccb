"""The three services as they are defined: closed routes, promised routes, and processes that are safe to fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from harness import SECRET

import data_optimizer.app
import evaluator.app
import trainer.app
from data_optimizer.settings import OptimizerSettings
from evaluator.settings import EvaluatorSettings
from trainer.settings import TrainerSettings
from wlops_common.auth import sign_service_token
from wlops_common.http_guard import OPEN_PATHS
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.settings import ServiceSettings, load_settings

ROOT = Path(__file__).parents[3]


class Service(NamedTuple):
    definition: ServiceDefinition
    create_app: Callable[[Any], FastAPI]
    settings: type[ServiceSettings]
    port: int
    max_jobs: int


SERVICES = {
    "optimizer": Service(data_optimizer.app.DEFINITION, data_optimizer.app.create_app, OptimizerSettings, 8002, 2),
    "evaluator": Service(evaluator.app.DEFINITION, evaluator.app.create_app, EvaluatorSettings, 8003, 2),
    "trainer": Service(trainer.app.DEFINITION, trainer.app.create_app, TrainerSettings, 8004, 1),
}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    return SERVICES[request.param]


@pytest.fixture
def settings(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", SECRET)
    monkeypatch.setenv("WLOPS_DATA_DIR", str(tmp_path))
    return load_settings(service.settings)


@pytest.fixture
def app(service: Service, settings: ServiceSettings) -> Iterator[FastAPI]:
    application = service.create_app(settings)
    yield application
    application.state.job_store.close()


def _routes(app: FastAPI) -> list[tuple[str, str]]:
    return [
        (method, path)
        for path, operations in app.openapi()["paths"].items()
        for method in (name.upper() for name in operations)
    ]


def test_ports_and_numbers_of_jobs_are_the_promised_ones(service: Service, settings: ServiceSettings) -> None:
    assert (settings.listen_port, settings.max_jobs) == (service.port, service.max_jobs)


def test_every_promised_route_exists(service: Service, app: FastAPI) -> None:
    base = f"/api/v1/{service.definition.route}"
    promised = {
        ("POST", base),
        ("GET", base),
        ("GET", f"{base}/{{id}}"),
        ("POST", f"{base}/{{id}}/cancel"),
        ("GET", f"{base}/{{id}}/log"),
    }
    promised |= {("GET", path) for path in ("/livez", "/readyz", "/metrics")}
    if service.definition.name == "optimizer":
        promised |= {("POST", f"{base}/sync")}
    if service.definition.name == "trainer":
        promised |= {("POST", f"{base}/{{id}}/pause"), ("GET", "/api/v1/models"), ("POST", "/api/v1/models/resolve")}
        promised |= {("POST", "/api/v1/models/champion")}
    assert set(_routes(app)) == promised


def test_every_route_but_the_open_ones_refuses_a_call_without_the_right_token(service: Service, app: FastAPI) -> None:
    client = TestClient(app, raise_server_exceptions=False)
    other = "evaluator" if service.definition.name != "evaluator" else "trainer"
    wrong = {
        "none": {},
        "another audience": {"Authorization": f"Bearer {sign_service_token(SECRET, f'wlops-{other}')}"},
        "another secret": {
            "Authorization": f"Bearer {sign_service_token('y' * 40, f'wlops-{service.definition.name}')}"
        },
        "expired": {
            "Authorization": f"Bearer {sign_service_token(SECRET, f'wlops-{service.definition.name}', lifetime_seconds=-60)}"
        },
    }
    closed = [(method, path) for method, path in _routes(app) if path not in OPEN_PATHS]
    assert closed
    for method, path in [*closed, ("GET", "/api/v1/none"), ("GET", "/"), ("OPTIONS", "/livez/../api")]:
        for why, headers in wrong.items():
            answer = client.request(method, path.replace("{id}", "task_1"), headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED"), (method, path, why)


def test_no_route_escapes_the_list_generated_from_openapi(app: FastAPI) -> None:
    hidden = {"/openapi.json", "/docs"}
    known = {path for _, path in _routes(app)} | hidden
    assert {getattr(route, "path", None) for route in _flat(app.routes)} <= known


def _flat(routes: Any) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "routes", None)
        if inner and not isinstance(route, APIRoute):
            yield from _flat(inner)
        elif hasattr(route, "path"):
            yield route


def _python(code: str) -> Any:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "common")]),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


#: In such a program: the command lines of its child processes. One that has just begun has none for a moment.
_CHILDREN = """
def children():
    import psutil
    while not all(lines := [" ".join(child.cmdline()) for child in psutil.Process().children()]):
        pass
    return lines
"""


def test_no_torch_in_the_service_and_no_thread_or_connection_in_the_forkserver(service: Service) -> None:
    package, job = service.definition.entry.partition(".")[0], service.definition.entry.partition(":")[0]
    loaded, forked, threads, sockets = _python(f"""
import json, os, sys
import {package}.app
loaded = sorted(sys.modules)
for module in {["wlops_common.jobs.child", *service.definition.preload]}:
    __import__(module)
links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
sockets = [link for link in links if os.path.lexists(link) and os.readlink(link).startswith("socket")]
print(json.dumps([loaded, sorted(sys.modules), len(os.listdir("/proc/self/task")), sockets]))
""")
    assert {"torch", "transformers", "polars", job}.isdisjoint(loaded)
    assert ("torch" in forked) == ("torch" in service.definition.preload)
    assert {"transformers", job}.isdisjoint(forked)
    assert (threads, sockets) == (1, [])


def test_only_the_trainer_holds_torch_in_memory_before_its_first_job(service: Service) -> None:
    package = service.definition.entry.partition(".")[0]
    children = _python(f"""
import json
from {package}.app import DEFINITION
from wlops_common.jobs.forkserver import Forkserver
Forkserver(DEFINITION, lambda: None).prepare()
{_CHILDREN}
print(json.dumps(children()))
""")
    holds_torch = any("forkserver" in child and "'torch'" in child for child in children)
    assert holds_torch == (service.definition.name == "trainer")


def test_a_forkserver_that_is_wanted_at_the_start_begins_before_the_service_imports_anything(service: Service) -> None:
    package = service.definition.entry.partition(".")[0]
    children, imported = _python(f"""
import json
import runpy
import sys
import types
{_CHILDREN}
before = set(sys.modules)
app = types.ModuleType("{package}.app")
def main():
    imported = sorted(name for name in set(sys.modules) - before if name in ("fastapi", "pydantic", "numpy"))
    print(json.dumps([children(), imported]))
app.main = main
sys.modules["{package}.app"] = app
runpy.run_module("{package}", run_name="__main__")
""")
    started = [child for child in children if "forkserver" in child]
    assert len(started) == service.definition.preload_at_start
    assert all(f"'{module}'" in child for child in started for module in service.definition.preload)
    assert imported == []
