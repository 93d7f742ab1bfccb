"""Which columns the task is about: by the names the user gave, else by usual names, else by what the columns hold.

Not covered: reading the values into rows (``parsing.reader``) and checking them (``steps``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from data_optimizer.parsing import names
from data_optimizer.parsing.names import plain_name
from data_optimizer.parsing.table import Table, sample_of
from wlops_common.errors import DatasetColumnsUnknown
from wlops_ml.rows import TaskType

_SAMPLE_ROWS = 3_000
#: A label stands on many rows: at most this share of the rows may be distinct, unless the file is tiny.
_LABEL_DISTINCT_SHARE = 0.5


@dataclass(frozen=True)
class Columns:
    """Where input and output stand. ``inputs`` are joined in order; ``messages`` is a column of chat turns instead of both."""

    task_type: TaskType
    inputs: tuple[int, ...] = ()
    output: int | None = None
    messages: int | None = None

    def describe(self, table: Table) -> dict[str, Any]:
        """The choice by column names, for the log."""
        if self.messages is not None:
            return {"messages": table.names[self.messages]}
        return {"input": [table.names[index] for index in self.inputs], "output": table.names[self.output or 0]}


@dataclass(frozen=True)
class _Profile:
    """What a column holds, seen on a sample."""

    index: int
    name: str
    kind: Literal["text", "label", "number", "other"]
    distinct_share: float
    distinct: int
    mean_characters: float
    mean_words: float
    filled_share: float
    values: frozenset[str] = field(repr=False, default=frozenset())

    @property
    def repeats(self) -> bool:
        """Whether few values stand on many rows, as labels do."""
        return self.distinct_share <= _LABEL_DISTINCT_SHARE or self.distinct <= 3


def detect_columns(table: Table, task_type: TaskType | None, given: Mapping[str, str | int] | None) -> Columns:
    """The columns of the task. Raises ``DatasetColumnsUnknown`` saying what was looked for and what is there."""
    if given:
        return _named_by_user(table, task_type, given)
    profiles = [_profile(table, index) for index in range(len(table.names))]
    by_name = {plain_name(profile.name): profile for profile in reversed(profiles)} if table.has_header else {}
    for name in names.MESSAGES_NAMES:
        if name in by_name and task_type != "classification":
            return Columns("generation", messages=by_name[name].index)
    classification = _classification_by_name(by_name) if task_type != "generation" else None
    generation = _generation_by_name(by_name) if task_type != "classification" else None
    if classification and (
        generation is None or (generation.output != classification.output and _label_is_clear(classification, profiles))
    ):
        return classification
    found = generation or _by_content(profiles, task_type)
    if found is None:
        raise _unknown(table, task_type)
    return found


def _named_by_user(table: Table, task_type: TaskType | None, given: Mapping[str, str | int]) -> Columns:
    role_of: dict[str, int] = {}
    for role, column in given.items():
        meaning = names.ROLE_ALIASES.get(plain_name(role))
        if meaning is None:
            raise _bad_choice(
                table, f"`columns` names the role {role!r}; known roles are {', '.join(sorted(names.ROLE_ALIASES))}"
            )
        if (
            meaning == "context"
            and "input" not in role_of
            and not any(names.ROLE_ALIASES.get(plain_name(r)) == "input" for r in given)
        ):
            meaning = "input"
        role_of[meaning] = _index(table, role, column)
    if "messages" in role_of:
        return Columns("generation", messages=role_of["messages"])
    if "input" not in role_of or "output" not in role_of:
        raise _bad_choice(table, "`columns` must name an input (text or prompt) and an output (label or completion)")
    is_label = any(plain_name(role) in names.CLASSIFICATION_ROLES for role in given)
    inputs = (role_of["input"], role_of["context"]) if "context" in role_of else (role_of["input"],)
    return Columns(task_type or ("classification" if is_label else "generation"), inputs, role_of["output"])


def _index(table: Table, role: str, column: str | int) -> int:
    if isinstance(column, int):
        if 0 <= column < len(table.names):
            return column
        raise _bad_choice(
            table, f"`columns.{role}` is {column}, but the file has the columns 0 to {len(table.names) - 1}"
        )
    if column in table.names:
        return table.names.index(column)
    alike = [index for index, name in enumerate(table.names) if plain_name(name) == plain_name(column)]
    if len(alike) == 1:
        return alike[0]
    raise _bad_choice(table, f"`columns.{role}` is {column!r}, which is not a column of the file")


def _profile(table: Table, index: int) -> _Profile:
    values = table.column(index, _SAMPLE_ROWS)
    texts = [str(value).strip() for value in values if value is not None and str(value).strip()]
    filled = [value for value in values if value is not None]
    scalar = 2 * sum(isinstance(value, str | int | float | bool) for value in filled) > len(filled)
    distinct = frozenset(texts)
    count = max(1, len(texts))
    numeric = sum(_is_number(text) for text in texts) / count
    words = sum(len(text.split()) for text in texts) / count
    share = len(distinct) / count
    kind: Literal["text", "label", "number", "other"] = "text"
    if not scalar or not texts:
        kind = "other"
    elif numeric > 0.95:
        kind = "number"
    elif share <= _LABEL_DISTINCT_SHARE and words <= 6:
        kind = "label"
    return _Profile(
        index,
        table.names[index],
        kind,
        share,
        len(distinct),
        sum(map(len, texts)) / count,
        words,
        count / max(1, len(values)),
        distinct,
    )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def _classification_by_name(by_name: Mapping[str, _Profile]) -> Columns | None:
    labels = [by_name[name] for name in names.LABEL_NAMES if name in by_name]
    label = next(
        (
            profile
            for profile in labels
            if profile.repeats and profile.kind in ("label", "number", "text") and profile.mean_words < 12
        ),
        None,
    )
    if label is None:
        return None
    texts = [by_name[name] for name in names.TEXT_NAMES if name in by_name]
    usable = [profile for profile in texts if profile.index != label.index and profile.kind == "text"]
    if not usable:
        usable = [profile for profile in by_name.values() if profile.index != label.index and profile.kind == "text"]
        usable.sort(key=lambda profile: -profile.mean_characters)
    if not usable:
        usable = [profile for profile in texts if profile.index != label.index and profile.kind == "label"]
    if not usable:
        return None
    titles = [by_name[name] for name in names.TITLE_NAMES if name in by_name and by_name[name] in usable]
    bodies = [by_name[name] for name in names.BODY_NAMES if name in by_name and by_name[name] in usable]
    pair = [titles[0].index, bodies[0].index] if titles and bodies and titles[0] is not bodies[0] else [usable[0].index]
    return Columns("classification", tuple(dict.fromkeys(pair)), label.index)


def _generation_by_name(by_name: Mapping[str, _Profile]) -> Columns | None:
    for given, wanted in names.GENERATION_PAIRS:
        if (
            given in by_name
            and wanted in by_name
            and by_name[given].kind != "other"
            and by_name[wanted].kind != "other"
        ):
            inputs = [by_name[given].index]
            for before, after in names.CONTEXT_PAIRS:
                if (
                    given in (before, after)
                    and before in by_name
                    and after in by_name
                    and wanted not in (before, after)
                ):
                    inputs = [by_name[before].index, by_name[after].index]
                    break
            return Columns("generation", tuple(inputs), by_name[wanted].index)
    return None


def _label_is_clear(columns: Columns, profiles: list[_Profile]) -> bool:
    """Whether the label column beats a pair for generation: `intent` beside `question` and `answer` does, `type` does not."""
    label = profiles[columns.output or 0]
    return plain_name(label.name) in names.UNMISTAKABLE_LABEL_NAMES and label.repeats


def _by_content(profiles: list[_Profile], task_type: TaskType | None) -> Columns | None:
    texts = [profile for profile in profiles if profile.kind == "text" and profile.filled_share > 0.5]
    if task_type != "generation":
        labels = [
            profile
            for profile in profiles
            if profile.repeats and profile.distinct >= 2 and profile.kind in ("label", "number")
        ]
        labels.sort(
            key=lambda profile: (
                profile.kind != "label" and profile.distinct > 50,
                profile.distinct_share,
                profile.index,
            )
        )
        words = [profile for profile in texts if profile.distinct_share > 0.3 or profile.mean_words >= 2]
        if labels and words:
            longest = max(profile.mean_characters for profile in words)
            chosen = [
                profile.index
                for profile in words
                if profile.mean_words >= 3 and profile.mean_characters >= longest / 12
            ]
            return Columns("classification", tuple(chosen or [words[0].index]), labels[0].index)
    if task_type != "classification":
        outputs = [
            profile
            for profile in profiles
            if profile.kind in ("text", "number", "label") and profile.filled_share > 0.5
        ]
        if len(outputs) == 2 and texts:
            return Columns("generation", (outputs[0].index,), outputs[1].index)
    return None


def _unknown(table: Table, task_type: TaskType | None) -> DatasetColumnsUnknown:
    wanted = {
        "classification": "a text and a label",
        "generation": "a prompt and a completion (or question and answer, or messages)",
        None: "a text and a label, or a prompt and a completion",
    }[task_type]
    return _bad_choice(table, f"No columns for {wanted} were found")


def _bad_choice(table: Table, problem: str) -> DatasetColumnsUnknown:
    shown = ", ".join(table.names[:20]) or "none"
    first = table.names[0] if table.names else 0
    return DatasetColumnsUnknown(
        f'{problem}. Columns of the file: {shown}. Name them with `columns`, for example {{"text": "{first}"}}.',
        details={
            "columns": table.names[:50],
            "header": table.has_header,
            "line": table.lines[0] if table.lines else 1,
            "sample": sample_of(table.rows[0]) if table.rows else "",
        },
    )
