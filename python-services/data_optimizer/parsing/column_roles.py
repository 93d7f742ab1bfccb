"""Whether `columns` can name the columns of a data set: known roles, one column each, an input and an output among them.

What needs no look into the file; ``columns`` looks whether it has them. The API asks the same of an upload
(``src/services/datasets/column-roles.ts``); ``src/contracts/examples/column-roles.json`` holds both to the same words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from data_optimizer.parsing.names import ROLE_ALIASES, plain_name


def roles_fault(columns: Mapping[str, str | int]) -> str | None:
    """What is wrong with the roles, as a sentence without a subject; None when nothing is. Without any, the columns are detected."""
    role_of: dict[str, str] = {}
    role_with: dict[str | int, str] = {}
    for role, column in columns.items():
        meaning = ROLE_ALIASES.get(plain_name(role))
        if meaning is None:
            return f"names the role {_quoted(role)}; known roles are {', '.join(sorted(ROLE_ALIASES))}"
        if meaning in role_of:
            both = f"{_quoted(role_of[meaning])} and {_quoted(role)}"
            return f"names {both}, which are one and the same role; name one of them"
        if column in role_with:
            both = f"{_quoted(role_with[column])} and {_quoted(role)}"
            return f"gives the column {_quoted(column)} to {both}; each needs a column of its own"
        role_of[meaning] = role_with[column] = role
    has_input = "input" in role_of or "context" in role_of
    if not role_of or "messages" in role_of or (has_input and "output" in role_of):
        return None
    return "must name an input (text or prompt) and an output (label or completion)"


def _quoted(name: str | int) -> str:
    return json.dumps(name, ensure_ascii=False)
