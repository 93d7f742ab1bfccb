"""A finished model folder back to a ``Predictor``: the evaluator's way in.

Weights are read from safetensors only and no code from the folder is run. Downloading the folder is the caller's business.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wlops_common.errors import ModelUnavailable
from wlops_ml.models.base import CONFIG_NAME, FORMAT_VERSION, Predictor


def load_model(directory: Path, *, models_dir: Path | None = None, offline: bool = True) -> Predictor:
    """The predictor of a finished model folder, on the GPU when there is one, else on the CPU.

    Args:
        directory: Folder with ``config.json`` and the weights, as the trainer wrote it.
        models_dir: Where ``local:`` base models lie; needed only for adapters trained on one.
        offline: Never ask the hub for a base model; needed only for adapters trained on one.

    Raises:
        ModelUnavailable: A file is missing or damaged, or the folder is of a kind this version cannot read.
    """
    config = _read_config(directory)
    architecture = config.get("architecture")
    if architecture == "classifier":
        from wlops_ml.models.classifier import load_classifier

        return load_classifier(directory, config)
    if architecture == "tinygpt":
        from wlops_ml.models.tinygpt import load_tinygpt

        return load_tinygpt(directory, config)
    if architecture == "hf":
        from wlops_ml.models.hf import load_hf

        return load_hf(directory, config, models_dir=models_dir, offline=offline)
    raise ModelUnavailable(f"{CONFIG_NAME} names the architecture {architecture!r}, which this version does not know.")


def _read_config(directory: Path) -> dict[str, Any]:
    path = directory / CONFIG_NAME
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"The model folder has no readable {CONFIG_NAME}.") from error
    if not isinstance(config, dict) or config.get("formatVersion") != FORMAT_VERSION:
        found = config.get("formatVersion") if isinstance(config, dict) else None
        raise ModelUnavailable(
            f"{CONFIG_NAME} has format version {found!r}; this version of WLOps reads {FORMAT_VERSION}. Train the model again."
        )
    return config
