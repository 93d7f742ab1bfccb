"""The models that can be asked for by name: the shared catalogue, and how a name becomes a model.

``src/contracts/model-catalog.json`` lists names, task types and hyperparameters for both languages. Beside the listed names any hub
id (``org/name``) and any folder of the operator's (``local:<folder>``) works. Not here: loading the model.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wlops_common.errors import ModelTaskMismatch, ModelUnknown
from wlops_ml.models import hyperparameters

_CATALOGUE = Path(__file__).resolve().parents[4] / "src" / "contracts" / "model-catalog.json"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_LOCAL = "local:"
_HUB_TIMEOUT_SECONDS = 5


@functools.cache
def catalogue() -> dict[str, Any]:
    """The shared catalogue: ``{models: [...], unlisted: {...}}``, as the file has it."""
    parsed: dict[str, Any] = json.loads(_CATALOGUE.read_text(encoding="utf-8"))
    return parsed


def known_names() -> list[str]:
    """The names the catalogue lists, in its order."""
    return [model["name"] for model in catalogue()["models"]]


def describe(name: str) -> dict[str, Any]:
    """Entry of the catalogue for a name, without asking whether the model can be reached.

    Raises:
        ModelUnknown: The name is not listed and is neither a hub id nor ``local:<folder>``.
    """
    for model in catalogue()["models"]:
        if model["name"] == name:
            return dict(model)
    if name.startswith(_LOCAL):
        return {"name": name, **catalogue()["unlisted"], "kind": "local"}
    if _HUB_ID.fullmatch(name):
        return {"name": name, **catalogue()["unlisted"], "hubId": name}
    raise _unknown(name, "It is not in the catalogue, and it is neither a hub id (org/name) nor local:<folder>.")


def resolve_model(name: str, *, models_dir: Path | None, offline: bool) -> dict[str, Any]:
    """Entry of the catalogue for a model that is known to be there; local ones with their folder as ``path``.

    Looks for ``local:`` folders below ``models_dir``, for hub ids in the cache and then, unless ``offline``, on the hub (5 s).
    Safe to repeat.

    Raises:
        ModelUnknown: There is no such model; the message says why and names the known ones.
    """
    entry = describe(name)
    if entry["kind"] == "local":
        return {**entry, "path": str(local_folder(name, models_dir))}
    if entry["kind"] == "hub" and not _is_cached(entry["hubId"]):
        if offline:
            raise _unknown(name, f"{entry['hubId']} is not in this machine's cache, and the hub may not be asked.")
        _ask_hub(name, entry["hubId"])
    return entry


def local_folder(name: str, models_dir: Path | None) -> Path:
    """The folder of a ``local:<folder>`` model. Raises ``ModelUnknown`` when it is not a model folder below ``models_dir``."""
    if models_dir is None:
        raise _unknown(name, "WLOPS_MODELS_DIR is not set, so there are no local models.")
    root = models_dir.resolve()
    folder = (root / name.removeprefix(_LOCAL)).resolve()
    if root not in folder.parents or not (folder / "config.json").is_file():
        raise _unknown(name, "No folder of that name with a config.json lies below WLOPS_MODELS_DIR.")
    return folder


def complete_hyperparameters(name: str, task_type: str, given: Mapping[str, Any]) -> dict[str, hyperparameters.Value]:
    """Every hyperparameter of the model, as given or by default; None where the default is chosen from the data.

    Raises:
        ModelUnknown: See ``describe``.
        ModelTaskMismatch: The model cannot do the task type.
        HyperparameterInvalid: One is unknown or out of range.
    """
    entry = describe(name)
    if task_type not in entry["taskTypes"]:
        fitting = [model["name"] for model in catalogue()["models"] if task_type in model["taskTypes"]]
        raise ModelTaskMismatch(
            f"{name} does {' and '.join(entry['taskTypes'])}, not {task_type}. These do: {', '.join(fitting)}.",
            details={"field": "modelName", "taskType": task_type, "fitting": fitting},
        )
    return hyperparameters.complete(given, entry["hyperparameters"], name)


def _is_cached(hub_id: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(hub_id, "config.json"), str)


def _ask_hub(name: str, hub_id: str) -> None:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        get_hf_file_metadata(hf_hub_url(hub_id, "config.json"), timeout=_HUB_TIMEOUT_SECONDS)
    except GatedRepoError as error:
        raise _unknown(name, f"{hub_id} is on the hub, but its owner must grant access first.") from error
    except RepositoryNotFoundError as error:
        raise _unknown(name, f"The hub has no model {hub_id}.") from error
    except HfHubHTTPError as error:
        raise _unknown(name, f"The hub has no usable configuration of {hub_id}.", str(error)) from error
    except Exception as error:
        raise _unknown(name, f"{hub_id} is not in the cache, and the hub did not answer.", str(error)) from error


def _unknown(name: str, reason: str, detail: str | None = None) -> ModelUnknown:
    return ModelUnknown(
        f"The model {name!r} cannot be resolved. {reason} Known names: {', '.join(known_names())}.",
        details={"field": "modelName", "known": known_names()},
        detail=detail,
    )
