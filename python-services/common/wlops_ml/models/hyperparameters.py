"""Hyperparameters as users give them, checked against a model's table in the catalogue and completed with its defaults.

Not here: defaults that depend on the data (null in the catalogue); those are chosen where the rows are known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from wlops_common.errors import HyperparameterInvalid

Value = float | int | str | bool | None
_KINDS: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "string": (str,), "boolean": (bool,)}


def complete(given: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]], model_name: str) -> dict[str, Value]:
    """All hyperparameters of the table: as given where they are given, else the default (None: chosen from the data).

    Raises:
        HyperparameterInvalid: One is unknown to the model, of the wrong type or out of range; the message says which and what fits.
    """
    for name in given:
        if name not in table:
            raise HyperparameterInvalid(
                f"{model_name} has no hyperparameter {name!r}. It has: {', '.join(sorted(table))}.",
                details={"field": f"hyperparameters.{name}", "known": sorted(table)},
            )
    return {
        name: _checked(name, given[name], rule) if given.get(name) is not None else rule["default"]
        for name, rule in table.items()
    }


def _checked(name: str, value: Any, rule: Mapping[str, Any]) -> Value:
    if rule["type"] == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    is_kind = isinstance(value, _KINDS[rule["type"]]) and (isinstance(value, bool) == (rule["type"] == "boolean"))
    if not is_kind or not _in_range(value, rule):
        raise HyperparameterInvalid(
            f"hyperparameters.{name} must be {describe_range(rule)}, not {value!r}.",
            details={"field": f"hyperparameters.{name}", "allowed": describe_range(rule), "given": value},
        )
    number: Value = float(value) if rule["type"] == "number" else value
    return number


def _in_range(value: Any, rule: Mapping[str, Any]) -> bool:
    if "enum" in rule:
        return value in rule["enum"]
    if isinstance(value, bool | str):
        return True
    return (
        math.isfinite(value)
        and value >= rule.get("minimum", -math.inf)
        and value <= rule.get("maximum", math.inf)
        and value > rule.get("exclusiveMinimum", -math.inf)
    )


def describe_range(rule: Mapping[str, Any]) -> str:
    """What a value must be, for people: ``a number above 0 and at most 1``."""
    if "enum" in rule:
        return "one of " + ", ".join(rule["enum"])
    words = []
    if "exclusiveMinimum" in rule:
        words.append(f"above {rule['exclusiveMinimum']}")
    if "minimum" in rule:
        words.append(f"at least {rule['minimum']}")
    if "maximum" in rule:
        words.append(f"at most {rule['maximum']}")
    kind = {"integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false"}[
        rule["type"]
    ]
    return " ".join([kind, " and ".join(words)]).strip()
