"""Which columns the task is about where nobody said so: by usual names, else by what the columns hold.

Not covered: columns that the user named (``columns``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from data_optimizer.parsing import names
from data_optimizer.parsing.columns import ChatColumn, Columns, PairColumns, unknown_columns
from data_optimizer.parsing.names import UNMISTAKABLE_LABEL_NAMES
from data_optimizer.parsing.profile import Profile, profiles_of
from data_optimizer.parsing.table import Table
from wlops_ml.rows import TaskType

_MAX_LABEL_WORDS = 12
#: Label columns of a few examples per class hardly repeat; their name tells, if the values are as short as labels.
_MAX_UNMISTAKABLE_LABEL_WORDS = 6
#: A column whose values repeat this much more than another's of the same role is a remark, such as an annotator's instruction.
_MIN_SHARE_OF_MOST_DISTINCT = 0.5
_MIN_FILLED_SHARE = 0.5
#: Numbers with more values than this are a label only if no other column is.
_MAX_CLASSES_BY_NUMBER = 50


def detect_columns(table: Table, task_type: TaskType | None) -> Columns:
    """The columns of the task. Raises ``DatasetColumnsUnknown`` saying what was looked for and what is there."""
    profiles = profiles_of(table)
    by_name = {profile.name: profile for profile in reversed(profiles)} if table.has_header else {}
    for name in names.MESSAGES_NAMES:
        if name in by_name and task_type != "classification":
            return ChatColumn(by_name[name].index)
    classification = _classification_by_name(by_name) if task_type != "generation" else None
    generation = _generation_by_name(by_name) if task_type != "classification" else None
    if classification and (
        generation is None
        or (
            generation.output != classification.output
            and profiles[classification.output].name in UNMISTAKABLE_LABEL_NAMES
        )
    ):
        return classification
    found = generation or _by_content(profiles, by_name, task_type)
    if found is None:
        wanted = {
            "classification": "a text and a label",
            "generation": "a prompt and a completion (or question and answer, or messages)",
            None: "a text and a label, or a prompt and a completion",
        }[task_type]
        raise unknown_columns(table, f"No columns for {wanted} were found")
    return found


def _classification_by_name(by_name: Mapping[str, Profile]) -> PairColumns | None:
    has_problem = _problem(by_name) is not None
    labels = [by_name[name] for name in names.LABEL_NAMES if name in by_name]
    label = next((profile for profile in labels if _is_label(profile, beside_problem=has_problem)), None)
    if label is None:
        return None
    others = [profile for profile in by_name.values() if profile.index != label.index]
    pair = _text_pair({profile.name: profile for profile in others})
    if pair is not None:
        return PairColumns("classification", pair, label.index)
    texts = [by_name[name] for name in names.TEXT_NAMES if name in by_name and by_name[name] in others]
    usable = (
        _distinct([profile for profile in texts if profile.kind == "text"])
        or sorted(
            (profile for profile in others if profile.kind == "text"), key=lambda profile: -profile.mean_characters
        )
        or [profile for profile in texts if profile.kind == "label"]
    )
    if not usable:
        return None
    titles = [by_name[name] for name in names.TITLE_NAMES if name in by_name and by_name[name] in usable]
    bodies = [by_name[name] for name in names.BODY_NAMES if name in by_name and by_name[name] in usable]
    chosen = [titles[0].index, bodies[0].index] if titles and bodies else [usable[0].index]
    return PairColumns("classification", tuple(dict.fromkeys(chosen)), label.index)


def _text_pair(by_name: Mapping[str, Profile]) -> tuple[int, int] | None:
    for first, second in names.TEXT_PAIRS:
        if all(name in by_name and by_name[name].kind == "text" for name in (first, second)):
            return by_name[first].index, by_name[second].index
    return None


def _is_label(profile: Profile, *, beside_problem: bool) -> bool:
    if profile.kind == "other" or (beside_problem and profile.is_answer):
        return False
    if profile.repeats:
        return profile.mean_words < _MAX_LABEL_WORDS
    return (
        profile.name in UNMISTAKABLE_LABEL_NAMES
        and profile.kind != "number"
        and profile.mean_words < _MAX_UNMISTAKABLE_LABEL_WORDS
    )


def _distinct(candidates: list[Profile]) -> list[Profile]:
    """The candidates whose values differ about as much as those of the best."""
    most = max((profile.distinct_share for profile in candidates), default=0)
    return [profile for profile in candidates if profile.distinct_share >= _MIN_SHARE_OF_MOST_DISTINCT * most]


def _generation_by_name(by_name: Mapping[str, Profile]) -> PairColumns | None:
    for given, wanted in names.GENERATION_PAIRS:
        if any(name not in by_name or by_name[name].kind == "other" for name in (given, wanted)):
            continue
        if by_name[given].kind in ("number", "remark"):
            continue
        inputs: tuple[str, ...] = (given,)
        for pair in names.CONTEXT_PAIRS:
            if given in pair and wanted not in pair and all(name in by_name for name in pair):
                inputs = pair
                break
        columns = PairColumns("generation", tuple(by_name[name].index for name in inputs), by_name[wanted].index)
        return _with_equation(columns, by_name)
    return None


def _with_equation(columns: PairColumns, by_name: Mapping[str, Profile]) -> PairColumns:
    taken = {*columns.inputs, columns.output}
    equations = [by_name[name].index for name in names.EQUATION_NAMES if name in by_name]
    return replace(columns, equation=next((index for index in equations if index not in taken), None))


def _problem(by_name: Mapping[str, Profile]) -> Profile | None:
    return next(
        (by_name[name] for name in by_name if name in names.PROBLEM_NAMES and by_name[name].kind == "text"), None
    )


def _by_content(
    profiles: list[Profile], by_name: Mapping[str, Profile], task_type: TaskType | None
) -> PairColumns | None:
    filled = [
        profile
        for profile in profiles
        if profile.filled_share > _MIN_FILLED_SHARE and profile.kind in ("text", "label", "number")
    ]
    problem = _problem(by_name)
    answers = [profile for profile in filled if profile.is_answer] if problem else []
    if problem and len(answers) == 1 and task_type != "classification":
        return _with_equation(PairColumns("generation", (problem.index,), answers[0].index), by_name)
    if task_type != "generation":
        found = _label_and_texts(filled, [profile for profile in profiles if profile not in answers])
        if found is not None:
            return found
    if task_type != "classification" and len(filled) == 2 and filled[0].kind == "text":
        return PairColumns("generation", (filled[0].index,), filled[1].index)
    return None


def _label_and_texts(filled: list[Profile], candidates: Iterable[Profile]) -> PairColumns | None:
    labels = [
        profile
        for profile in candidates
        if profile.repeats and profile.distinct >= 2 and profile.kind in ("label", "number")
    ]
    words = [
        profile
        for profile in filled
        if profile.kind == "text" and (profile.distinct_share > 0.3 or profile.mean_words >= 2)
    ]
    if not labels or not words:
        return None
    label = min(
        labels,
        key=lambda profile: (
            profile.kind == "number" and profile.distinct > _MAX_CLASSES_BY_NUMBER,
            profile.distinct_share,
            profile.index,
        ),
    )
    longest = max(profile.mean_characters for profile in words)
    texts = [profile.index for profile in words if profile.mean_words >= 3 and profile.mean_characters >= longest / 12]
    return PairColumns("classification", tuple(texts or [words[0].index]), label.index)
