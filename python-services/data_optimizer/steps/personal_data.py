"""Mask what points to a person: e-mail and IP addresses, phone numbers, links. Off unless asked for: they may be what a task is about.

Not covered: names, postal addresses, numbers of accounts and cards.
"""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl

from wlops_ml.text_columns import slices

#: International, with the area in parentheses, with a leading zero, and of three, three and four digits. Long numbers of one piece are
#: amounts or identifiers.
_PHONE = (
    r"\+\d{1,3}(?:[ ().-]{0,2}\d){6,12}\b|\(\d{2,5}\)(?:[ .-]?\d){5,9}\b|"
    r"\b0\d{1,4}[ ./-]\d{2,4}(?:[ .-]?\d){3,8}\b|\b\d{3}[ .-]\d{3}[ .-]\d{4}\b"
)
#: In this order: a link may hold an address, an address digits.
_MASKS = [
    (r"(?i)\bhttps?://[^\s<>\"]+|\bwww\.[a-z0-9-]+\.[^\s<>\"]+", "<link>"),
    (r"(?i)\b[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+\b", "<e-mail>"),
    (r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b", "<ip>"),
    (r"(?i)\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b", "<ip>"),
    (_PHONE, "<phone>"),
]
_ANY_SIGN = r"[@+(0-9]|(?i:://|www\.)"


def masked(texts: pl.Series) -> pl.Series:
    """The texts with ``<e-mail>``, ``<ip>``, ``<phone>`` and ``<link>`` in the place of what they stand for."""
    parts = [_masked(part) for part in slices(texts)]
    return pl.concat(parts) if parts else texts


def masked_columns(metas: pl.Series) -> pl.Series:
    """The user's other columns, a JSON object a row, with the texts in them masked; names of columns stay."""
    values = metas.drop_nulls().unique()
    suspect = values.filter(values.str.contains(_ANY_SIGN)).to_list()
    told = {value: json.dumps(_masked_value(json.loads(value)), ensure_ascii=False) for value in suspect}
    return metas.replace(list(told), list(told.values())) if told else metas


def _masked_value(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, mask in _MASKS:
            value = re.sub(pattern, mask, value)
        return value
    if isinstance(value, list):
        return [_masked_value(one) for one in value]
    return {name: _masked_value(one) for name, one in value.items()} if isinstance(value, dict) else value


def _masked(texts: pl.Series) -> pl.Series:
    suspect = texts.str.contains(_ANY_SIGN).arg_true()
    if len(suspect) == 0:
        return texts
    changed = texts.gather(suspect)
    for pattern, mask in _MASKS:
        changed = changed.str.replace_all(pattern, mask)
    return texts.scatter(suspect, changed)
