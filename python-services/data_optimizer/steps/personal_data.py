"""Mask what points to a person: e-mail and IP addresses, phone numbers, links. Off unless asked for: they may be what a task is about.

Not covered: names, postal addresses, numbers of accounts and cards.
"""

from __future__ import annotations

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


def _masked(texts: pl.Series) -> pl.Series:
    suspect = texts.str.contains(_ANY_SIGN).arg_true()
    if len(suspect) == 0:
        return texts
    changed = texts.gather(suspect)
    for pattern, mask in _MASKS:
        changed = changed.str.replace_all(pattern, mask)
    return texts.scatter(suspect, changed)
