"""``docker-compose.yml`` says what the docs promise. Checked as data: no container engine is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
COMPOSE_FILE = ROOT / "docker-compose.yml"
EXAMPLES = (ROOT / "deploy/compose.env.example", ROOT / ".env.example")

#: Service -> its port inside the compose network, as docs/architecture.md lists them.
PORTS = {
    "api": 8080,
    "data-optimizer": 8002,
    "evaluator": 8003,
    "trainer": 8004,
    "worker": 9464,
    "temporal": 7233,
    "postgres": 5432,
    "s3": 9000,
    "rabbitmq": 5672,
}
#: Published under another number than the container's own.
MOVED_PORTS = {"temporal-ui": ("8233", "8080")}
ONE_SHOTS = {"s3-bucket", "temporal-schema", "temporal-namespace", "migrate"}
PYTHON_SERVICES = {
    "data-optimizer": "WLOPS_OPTIMIZER_PORT",
    "evaluator": "WLOPS_EVALUATOR_PORT",
    "trainer": "WLOPS_TRAINER_PORT",
}

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<operator>[-?])(?P<argument>[^}]*))?\}")
SECRET = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|API_KEY|TOKEN")
#: Sign in to a server of the user's own, which may not be there, or be open.
OPTIONAL_SECRETS = {"MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "WLOPS_TEACHER_API_KEY"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, dict[str, Any]]] = YAML(typ="safe").load(COMPOSE_FILE)
    return loaded["services"]


def assigned(path: Path) -> set[str]:
    return set(re.findall(r"^#? ?(\w+)=", path.read_text(), flags=re.MULTILINE)) if path.exists() else set()


def published(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(interface, default host port, container port) of each published port."""
    found = []
    for port in service.get("ports", []):
        match = re.fullmatch(r"([\d.]+):\$\{\w+:-(\d+)\}:(\d+)", port)
        assert match, f"{port} is not <interface>:${{VARIABLE:-port}}:<port>"
        found.append((match[1], match[2], match[3]))
    return found


def test_the_file_is_valid_against_the_compose_specification() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE_FILE)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_service_has_a_health_check_or_runs_once_and_is_waited_for(services: dict[str, dict[str, Any]]) -> None:
    without_check = {name for name, service in services.items() if "healthcheck" not in service}
    assert without_check == ONE_SHOTS
    conditions = {
        (needed, how["condition"])
        for service in services.values()
        for needed, how in service.get("depends_on", {}).items()
    }
    for name in ONE_SHOTS:
        assert services[name]["restart"].startswith("on-failure"), name
    assert {(name, "service_completed_successfully") for name in ONE_SHOTS} <= conditions
    for needed, condition in conditions - {(name, "service_completed_successfully") for name in ONE_SHOTS}:
        assert condition == "service_healthy", f"{needed}: {condition}"


def test_each_component_listens_on_the_port_the_docs_name(services: dict[str, dict[str, Any]]) -> None:
    for name, port in PORTS.items():
        assert (str(port), str(port)) in {(host, container) for _, host, container in published(services[name])}, name
    for name, ports in MOVED_PORTS.items():
        assert ports in {(host, container) for _, host, container in published(services[name])}, name
    for name, variable in PYTHON_SERVICES.items():
        assert services[name]["environment"][variable] == str(PORTS[name])
        assert f":{PORTS[name]}/" in " ".join(services[name]["healthcheck"]["test"])


def test_ports_are_published_on_the_loopback_interface_only(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for interface, _, _ in published(service):
            assert interface == "127.0.0.1", name


def test_the_worker_and_the_api_address_services_that_exist(services: dict[str, dict[str, Any]]) -> None:
    for client in ("api", "worker"):
        text = " ".join(str(value) for value in services[client]["environment"].values())
        for host, port in re.findall(r"(?:https?://|@|^|\s)([a-z][a-z0-9-]*):(\d{4,5})", text):
            assert PORTS[host] == int(port), f"{client} calls {host}:{port}"


def test_secrets_have_no_default() -> None:
    for match in VARIABLE.finditer(COMPOSE_FILE.read_text()):
        if match["name"] in OPTIONAL_SECRETS:
            assert (match["operator"], match["argument"]) == ("-", ""), match["name"]
        elif SECRET.search(match["name"]):
            assert match["operator"] == "?", match["name"]
    for name, value in re.findall(r"^(\w+)=(.*)$", EXAMPLES[0].read_text(), flags=re.MULTILINE):
        if SECRET.search(name):
            assert value == "", name


def test_the_tracking_server_is_told_to_trainer_and_worker_and_its_keys_to_the_trainer_alone(
    services: dict[str, dict[str, Any]],
) -> None:
    told = {
        name: {variable for variable in service.get("environment", {}) if variable.startswith("MLFLOW_")}
        for name, service in services.items()
    }
    address = "MLFLOW_TRACKING_URI"
    keys = {f"MLFLOW_TRACKING_{key}" for key in ("TOKEN", "USERNAME", "PASSWORD")}
    assert {name: variables for name, variables in told.items() if variables} == {
        "trainer": {address} | keys,
        "worker": {address},
    }


def test_every_variable_is_documented() -> None:
    documented = set().union(*(assigned(path) for path in EXAMPLES))
    used = {match["name"] for match in VARIABLE.finditer(COMPOSE_FILE.read_text())}
    assert used - documented == set()
    assert assigned(EXAMPLES[0]) - used == set(), "documented for compose, and not used by it"


def test_defaults_are_the_documented_ones() -> None:
    written = dict(re.findall(r"^(\w+)=(.+)$", EXAMPLES[0].read_text(), flags=re.MULTILINE))
    for match in VARIABLE.finditer(COMPOSE_FILE.read_text()):
        if match["operator"] == "-":
            assert match["argument"] == written.get(match["name"], ""), match["name"]


def test_temporal_keeps_its_data_apart_from_ours(services: dict[str, dict[str, Any]]) -> None:
    temporal = services["temporal"]["environment"]
    assert temporal["NUM_HISTORY_SHARDS"] == "512"
    assert {temporal["DBNAME"], temporal["VISIBILITY_DBNAME"]} == {"temporal", "temporal_visibility"}
    assert services["api"]["environment"]["DATABASE_URL"].endswith("/wlops")


def test_what_is_mounted_or_run_from_this_repository_exists(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), f"{name}: {source}"
        command = service.get("command", [])
        if command[:1] == ["node"] and not command[1].startswith("dist/"):
            assert (ROOT / command[1]).exists(), f"{name}: {command[1]}"
        build = service.get("build")
        if isinstance(build, dict):
            assert (ROOT / build["context"] / build["dockerfile"]).exists(), f"{name}: {build['dockerfile']}"


def test_images_are_built_from_files_that_exist(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if "build" not in service:
            continue
        build = service["build"] if isinstance(service["build"], dict) else {"context": service["build"]}
        context = ROOT / build["context"]
        dockerfile = (context / build.get("dockerfile", "Dockerfile")).read_text()
        stages = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, flags=re.MULTILINE))
        roots = {"": context} | {key: ROOT / path for key, path in build.get("additional_contexts", {}).items()}
        for origin, sources in re.findall(r"^COPY (?:--from=(\S+) )?(.+) \S+$", dockerfile, flags=re.MULTILINE):
            if origin in stages:
                continue
            for source in sources.split():
                assert (roots[origin] / source).exists(), f"{name}: {source}"
        command = service.get("command", [])
        if command[:1] == ["node"]:
            assert any(
                command[1].startswith(target)
                for target in re.findall(r"^COPY .* (\S+)$", dockerfile, flags=re.MULTILINE)
            )


def test_the_programs_of_the_image_have_a_source(services: dict[str, dict[str, Any]]) -> None:
    for name in ("api", "worker"):
        compiled = services[name]["command"][1]
        assert (ROOT / compiled.removeprefix("dist/").replace(".js", ".ts")).exists(), compiled


def test_named_volumes_are_declared(services: dict[str, dict[str, Any]]) -> None:
    declared = set(YAML(typ="safe").load(COMPOSE_FILE)["volumes"])
    used = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert {name for name in used if not name.startswith("./")} == declared


def test_the_namespace_gets_the_search_attributes_that_the_workflows_write() -> None:
    script = (ROOT / "deploy/temporal/create-namespace.sh").read_text()
    created = {name: kind.upper() for name, kind in re.findall(r"--name (\w+) --type (\w+)", script)}
    contract = (ROOT / "src/contracts/task-workflow.ts").read_text()
    written = dict(re.findall(r"name: '(Wlops\w+)', type: '(\w+)'", contract))
    assert created == written
    assert len(written) == 8


def test_an_image_is_built_by_one_service_only(services: dict[str, dict[str, Any]]) -> None:
    built = [service.get("image") or name for name, service in services.items() if "build" in service]
    assert len(built) == len(set(built))
    used = {service["image"] for service in services.values() if str(service.get("image", "")).startswith("wlops-")}
    assert used <= set(built)
