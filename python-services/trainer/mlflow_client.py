"""The few calls of MLflow's REST API (2.0, servers from 2.3 on) that a run and a model version need.

The mlflow package is not used: it would bring a web server and a data frame library into every training. Not here: when what is
told (``mlflow_sink``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

#: Most metrics of one ``runs/log-batch``, as the server allows; of parameters it allows 100, more than any model has.
MOST_METRICS = 1000
_LONGEST_VALUE = 500
_TIMEOUT_SECONDS = 10.0


class MlflowFault(Exception):
    """The tracking server refused a call, and the message is its own; or its answer is none of MLflow's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Tracking:
    """Where a tracking server is and how to sign in: with a token, a name and password, or not at all."""

    uri: str
    token: str = ""
    username: str = ""
    password: str = ""


class MlflowClient:
    """Speaks with one tracking server.

    All calls raise ``MlflowFault`` when refused or answered with nonsense, and ``httpx.HTTPError`` when not answered.
    """

    def __init__(self, tracking: Tracking) -> None:
        basic = httpx.BasicAuth(tracking.username, tracking.password) if tracking.username else None
        headers = {"Authorization": f"Bearer {tracking.token}"} if tracking.token else {}
        self._http = httpx.Client(
            base_url=f"{tracking.uri.rstrip('/')}/api/2.0/mlflow/",
            headers=headers,
            auth=basic,
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def experiment(self, name: str) -> str:
        """Id of the experiment of that name, made when there is none. Safe to repeat, and from several places at once."""
        try:
            return _value(self._post("experiments/create", name=name), "experiment_id")
        except MlflowFault as fault:
            if fault.code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = self._answer(self._http.get("experiments/get-by-name", params={"experiment_name": name}))
        return _value(found, "experiment", "experiment_id")

    def create_run(self, experiment_id: str, name: str, tags: Mapping[str, str], started_ms: int) -> str:
        """Id of a new run."""
        made = self._post(
            "runs/create", experiment_id=experiment_id, run_name=name, start_time=started_ms, tags=_pairs(tags)
        )
        return _value(made, "run", "info", "run_id")

    def log_parameters(self, run_id: str, parameters: Mapping[str, object]) -> None:
        """Add at most 100 parameters; long values are cut."""
        self._post("runs/log-batch", run_id=run_id, params=_pairs(parameters))

    def log_metrics(self, run_id: str, metrics: Sequence[Mapping[str, Any]]) -> None:
        """Add at most ``MOST_METRICS`` metrics, each ``{key, value, timestamp (ms), step}``."""
        self._post("runs/log-batch", run_id=run_id, metrics=list(metrics))

    def end_run(self, run_id: str, status: str, ended_ms: int) -> None:
        """End a run as ``FINISHED``, ``FAILED`` or ``KILLED``."""
        self._post("runs/update", run_id=run_id, status=status, end_time=ended_ms)

    def create_version(self, name: str, source: str, run_id: str, tags: Mapping[str, str]) -> str:
        """Register a version of the model ``name``, which is made when there is none; answers with the version's number."""
        try:
            self._post("registered-models/create", name=name)
        except MlflowFault as fault:
            if fault.code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = self._post("model-versions/create", name=name, source=source, run_id=run_id, tags=_pairs(tags))
        return _value(made, "model_version", "version")

    def find_version(self, name: str, tags: Mapping[str, str]) -> str | None:
        """The newest version of the model that has all these tags; None when there is none."""
        conditions = [f"name='{name}'", *(f"tags.`{key}`='{value}'" for key, value in tags.items())]
        query = {"filter": " AND ".join(conditions), "max_results": "1000"}
        found = self._answer(self._http.get("model-versions/search", params=query)).get("model_versions", [])
        if not isinstance(found, list):
            raise _nonsense("model_versions")
        numbers = [_value(version, "version") for version in found]
        if not all(number.isdecimal() for number in numbers):
            raise _nonsense("version")
        return max(numbers, key=int, default=None)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Let the alias mean that version, and no other. Safe to repeat."""
        self._post("registered-models/alias", name=name, alias=alias, version=version)

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._answer(self._http.post(path, json=body))

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        if response.is_success and isinstance(body, dict):
            return body
        fault = body if isinstance(body, dict) else {}
        raise MlflowFault(
            str(fault.get("error_code", f"HTTP {response.status_code}")),
            str(fault.get("message", "no answer of MLflow's")),
        )


def _value(body: Any, *path: str) -> str:
    """What stands at this place of an answer. Raises ``MlflowFault`` when there is nothing of the kind."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    if not isinstance(body, str | int):
        raise _nonsense(".".join(path))
    return str(body)


def _nonsense(place: str) -> MlflowFault:
    return MlflowFault("NO_ANSWER_OF_MLFLOW", f"it has no {place} as MLflow's answers have")


def _pairs(values: Mapping[str, object]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)[:_LONGEST_VALUE]} for key, value in values.items()]
