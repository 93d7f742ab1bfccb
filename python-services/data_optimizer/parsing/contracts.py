"""The facts that the API and this service share: JSON files of ``src/contracts``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[3] / "src" / "contracts"


def contract(name: str) -> Any:
    """What the file of that name holds."""
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))
