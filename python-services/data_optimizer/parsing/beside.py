"""Which columns of a validation, test or pool file hold what the task's training file holds."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from data_optimizer.parsing.columns import ChatColumn, Columns, PairColumns, columns_like, unknown_columns
from data_optimizer.parsing.row_values import as_text
from data_optimizer.parsing.sampling import spread
from data_optimizer.parsing.table import Table
from wlops_common.errors import DatasetColumnsUnknown

_SAMPLE_ROWS = 1_000
_SHOWN_LABELS = 5
#: Where at least so many values of the column are known labels, it is the label's.
_MIN_KNOWN_SHARE = 0.5


def columns_beside(
    training: Table, columns: Columns, labels: AbstractSet[str], table: Table, detect: Callable[[Table], Columns]
) -> Columns:
    """By name where both files have a header, else by position; or the same ones in another order, where the file itself says so.

    ``labels`` are the training file's, as ``plain_label`` writes them, and tell which is meant; none for generation.
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
    if isinstance(like, ChatColumn) or own.task_type != like.task_type:
        return like
    if not isinstance(own, PairColumns) or {*own.inputs, own.output} != {*like.inputs, like.output}:
        return like
    if not labels:
        return own if table.has_header else like
    share, own_share = (_known_share(table, one, labels) for one in (like, own))
    return (
        own if share < _MIN_KNOWN_SHARE and (own_share > share or (own_share == share and table.has_header)) else like
    )


def plain_label(value: str | None) -> str:
    """A label for comparison."""
    return (value or "").strip().casefold()


def check_labels(table: Table, training: AbstractSet[str], own: AbstractSet[str]) -> None:
    """Raises ``DatasetColumnsUnknown`` where no label of a further file stands in the training file: it would be of no use."""
    if not training or not own or training & own:
        return
    # What a held-out file has instead may be its texts, which nobody is to see.
    shown = ", ".join(label[:40] for label in sorted(training)[:_SHOWN_LABELS]) + ", …" * (
        len(training) > _SHOWN_LABELS
    )
    raise unknown_columns(
        table,
        f"No label of this file stands in the training file: {len(own)} others here, there {shown}. Give rows with labels of the"
        " training file, or say which column holds them",
    )


def _known_share(table: Table, columns: PairColumns, labels: AbstractSet[str]) -> float:
    values = [plain_label(as_text(row[columns.output])) for row in spread(table.rows, _SAMPLE_ROWS)]
    filled = [value for value in values if value]
    return sum(value in labels for value in filled) / max(1, len(filled))
