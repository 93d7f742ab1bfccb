"""How sure a model is of rows: the file by which the evaluator tells the optimizer, row by row, without any row's text or label."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

_SCHEMA = {"id": pl.String, "margin": pl.Float64, "predicted": pl.String}


def margins_of(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The likeliest class' probability less the second one's, of probabilities of shape ``(rows, classes)``; 1 with a single class."""
    if probabilities.shape[1] < 2:
        return np.ones(probabilities.shape[0])
    best = np.partition(probabilities.astype(np.float64), -2, axis=1)
    return np.asarray(best[:, -1] - best[:, -2], dtype=np.float64)


def write_margins(ids: Sequence[str], margins: npt.NDArray[np.float64], predicted: Sequence[str]) -> bytes:
    """The file, sorted by id; margins are kept to six places. The same rows give the same bytes, in whatever order they come."""
    table = pl.DataFrame({"id": list(ids), "margin": margins.round(6), "predicted": list(predicted)}, schema=_SCHEMA)
    sink = io.BytesIO()
    table.sort("id").write_parquet(sink, compression="zstd", statistics=False)
    return sink.getvalue()


def read_margins(data: bytes) -> Mapping[str, tuple[float, str]]:
    """The inverse: row id -> margin and likeliest class."""
    table = pl.read_parquet(io.BytesIO(data))
    return {row_id: (margin, predicted) for row_id, margin, predicted in table.select(list(_SCHEMA)).iter_rows()}
