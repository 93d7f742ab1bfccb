"""Which columns of a validation, test or pool file hold what the task's training file holds."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from data_optimizer.parsing.columns import Columns, PairColumns, columns_like, unknown_columns
from data_optimizer.parsing.sampling import spread
from data_optimizer.parsing.table import Table
from wlops_common.errors import DatasetColumnsUnknown

_SAMPLE_ROWS = 1_000
_SHOWN_LABELS = 5


def columns_beside(
    training: Table, columns: Columns, labels: AbstractSet[str], table: Table, detect: Callable[[Table], Columns]
) -> Columns:
    """By name where both files have a header. Else by position or by what the file itself says, whichever has more known labels.

    ``labels`` are the training file's, as ``plain_label`` writes them; none for generation, where a header of its own comes first.
    Raises ``DatasetColumnsUnknown`` as ``detect`` does.
    """
    like = columns_like(columns, training, table)
    if like is None:
        return detect(table)
    if training.has_header and table.has_header:
        return like
    try:
        own = detect(table)
    except DatasetColumnsUnknown:
        return like
    if type(own) is not type(like) or own.task_type != like.task_type:
        return like
    first, second = (own, like) if table.has_header and not labels else (like, own)
    return max((first, second), key=lambda one: _known_share(table, one, labels))


def plain_label(value: object) -> str:
    """A label for comparison."""
    return str(value).strip().casefold()


def check_labels(table: Table, training: AbstractSet[str], held_out: AbstractSet[str]) -> None:
    """Raises ``DatasetColumnsUnknown`` where no label of a held-out file stands in the training file: no model could score there."""
    if not training or not held_out or training & held_out:
        return
    raise unknown_columns(
        table, f"No label of this file stands in the training file: here {_shown(held_out)}, there {_shown(training)}"
    )


def _shown(labels: AbstractSet[str]) -> str:
    distinct = sorted(labels)
    return ", ".join(label[:40] for label in distinct[:_SHOWN_LABELS]) + (
        ", …" if len(distinct) > _SHOWN_LABELS else ""
    )


def _known_share(table: Table, columns: Columns, labels: AbstractSet[str]) -> float:
    if not isinstance(columns, PairColumns):
        return 0.0
    rows = spread(table.rows, _SAMPLE_ROWS)
    return sum(plain_label(row[columns.output]) in labels for row in rows) / max(1, len(rows))
