"""Lines that begin with their label: ``__label__x text`` (fastText), ``COARSE:fine text`` (TREC), ``0 text``.

Not covered: labels and texts apart by a delimiter (``delimited``).
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

from data_optimizer.parsing.delimited import Records
from data_optimizer.parsing.sampling import spread
from data_optimizer.parsing.table import BadRow, sample_of

_SAMPLE_LINES = 2_000
_LINE = re.compile(r"^(?:__label__(?=\S))?(\S+)[ \t]+(\S.*)$")
_MARK = re.compile(r"^(?:__label__\S|[A-Za-z]\w*:\w+[ \t])")
_NUMBER = re.compile(r"[-+]?[0-9]{1,4}")
_MIN_LINES = 4
_MIN_MARKED_SHARE = 0.9
#: Without a mark a first word is a label only where nearly all lines begin with one of few.
_MIN_LABELLED_SHARE = 0.98
_MIN_LINES_PER_WORD = 20
_MIN_LINES_PER_NUMBER = 4
_MAX_LABELS = 500
_MAX_SHARE_WITH_LABELS_INSIDE = 0.2


def parse_marked_lines(lines: Sequence[str]) -> Records | None:
    """Label and text of each line where nearly every line begins with a mark that says label; else None."""
    sample = [line for line in spread(lines, _SAMPLE_LINES) if line.strip()]
    labels = [match[1] for line in sample if _MARK.match(line) and (match := _LINE.match(line))]
    if len(labels) < max(_MIN_LINES, _MIN_MARKED_SHARE * len(sample)) or len(set(labels)) > len(labels) // 2:
        return None
    return _records(lines, lambda line: _MARK.match(line) is not None)


def parse_label_blank_text(lines: Sequence[str]) -> Records | None:
    """Label and text of each line where nearly every line begins with a number, or with one of a few words; else None."""
    filled = sum(bool(line.strip()) for line in lines)
    first = Counter(match[1] for line in lines if (match := _LINE.match(line)))
    numbers = {word for word in first if _NUMBER.fullmatch(word)}
    repeated = {word for word, count in first.items() if count >= _MIN_LINES_PER_WORD}
    for labels, lines_per_label in ((numbers, _MIN_LINES_PER_NUMBER), (repeated, _MIN_LINES_PER_WORD)):
        enough = sum(first[label] for label in labels) >= _MIN_LABELLED_SHARE * filled
        few = 2 <= len(labels) <= min(_MAX_LABELS, filled // lines_per_label)
        if enough and few and (labels is numbers or not _are_common_words(labels, lines)):
            return _records(lines, functools.partial(_begins_with, labels))
    return None


def _are_common_words(words: set[str], lines: Sequence[str]) -> bool:
    """Whether the words stand within the lines too, so that they begin sentences and are no labels."""
    sample = spread(lines, _SAMPLE_LINES)
    return sum(not words.isdisjoint(line.split()[1:]) for line in sample) > _MAX_SHARE_WITH_LABELS_INSIDE * len(sample)


def _begins_with(labels: set[str], line: str) -> bool:
    return line.split(maxsplit=1)[0] in labels


def _records(lines: Sequence[str], is_labelled: Callable[[str], bool]) -> Records:
    result = Records(" ")
    last = len(lines) - 1 if lines[-1] == "" else len(lines)
    for number, line in enumerate(islice(lines, last), 1):
        match = _LINE.match(line)
        if not line.strip():
            result.bad.append(BadRow(number, "blank row", ""))
        elif match is None or not is_labelled(line):
            result.bad.append(BadRow(number, "no label before the text", sample_of(line)))
        else:
            result.fields.append([match[1], match[2]])
            result.lines.append(number)
    return result
