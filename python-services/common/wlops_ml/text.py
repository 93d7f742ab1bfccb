"""Text normalisation: how rows are cleaned, and the key by which two texts count as the same.

Not covered: tokenising for models (each model has its own) and near-duplicates (``near_duplicates``).
"""

from __future__ import annotations

import html
import re
import sys
import unicodedata
from fractions import Fraction

_QUOTES_AND_DASHES = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    }
)
#: Control and format characters, which are never seen; line feed and tab are white space, the joiners shape real words.
_INVISIBLE = {
    code: None
    for code in range(sys.maxunicode + 1)
    if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Co") and chr(code) not in "\n\r\t\x0b\x0c\x85\u200c\u200d"
}
_PUNCTUATION = {code: " " for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] in "PS"}
#: Only real HTML tags: `a < b` and the `<<12*4=48>>` of worked answers must stay.
_TAG = re.compile(
    r"</?(?:a|b|blockquote|body|br|code|div|em|font|h[1-6]|hr|html|i|img|li|ol|p|pre|small|span|strong|table|td|th|tr|u|ul)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|(?<!\d)\.\d+")


def clean_text(raw: str) -> str:
    """One line of text as people read it: entities and tags resolved, NFKC, plain quotes and dashes, single spaces.

    Cleaning twice gives the same as cleaning once.
    """
    return " ".join(_clean_characters(raw).split())


def clean_lines(raw: str) -> str:
    """As ``clean_text``, but line breaks stay: for worked answers, where a line is a step."""
    lines = (" ".join(line.split()) for line in _clean_characters(raw).splitlines())
    return "\n".join(line for line in lines if line)


def clean_label(raw: str) -> str:
    """As ``clean_text``, but tags stay: a label is a name, and ``<b>`` or ``<br>`` may be one."""
    return " ".join(_clean_characters(raw, has_tags=False).split())


def _clean_characters(raw: str, *, has_tags: bool = True) -> str:
    text = raw
    for _ in range(
        8
    ):  # each pass can uncover another entity or tag (`&amp;lt;b&amp;gt;`); texts settle after two or three
        before = text
        if "&" in text:
            text = html.unescape(text)
        if has_tags and "<" in text:
            text = _TAG.sub(" ", text)
        if not text.isascii():
            text = unicodedata.normalize("NFKC", text).translate(_QUOTES_AND_DASHES)
        if not text.isprintable():
            text = text.translate(_INVISIBLE)
        if text == before:
            break
    return text


def match_key(text: str) -> str:
    """The form in which two texts are compared: lower case, single spaces, punctuation and symbols read as spaces.

    ``Top-up?`` is ``top up``. A text that holds nothing else (``???``) is its own key, so that it does not equal every other such text.
    """
    lowered = text.lower()
    key = " ".join(lowered.translate(_PUNCTUATION).split())
    return key or " ".join(lowered.split())


def numbers(text: str) -> tuple[str, ...]:
    """The numbers written in digits, sorted, in one spelling (``1,200.50`` is ``1200.5``): a multiset."""
    return tuple(sorted(canonical_number(token) for token in _NUMBER.findall(text)))


def number_spans(text: str) -> list[tuple[int, int]]:
    """Where the numbers of ``text`` stand, as half-open character ranges."""
    return [match.span() for match in _NUMBER.finditer(text)]


def canonical_number(token: str) -> str:
    """One spelling for equal decimals: no thousands separators, no trailing zeros, no leading ones."""
    plain = token.replace(",", "")
    whole, _, decimals = plain.partition(".")
    decimals = decimals.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{decimals}" if decimals else whole


def to_fraction(token: str) -> Fraction:
    """The exact value of a number found by ``number_spans``."""
    return Fraction(canonical_number(token))
