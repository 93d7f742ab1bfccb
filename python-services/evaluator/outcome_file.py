"""``outcomes.parquet``: row by row what a model got right on ``select``, kept so that a later model can be compared with it.

It lies under the sealed prefix and only the evaluator reads it. It holds no text: predictions are told apart by a hash. Rows that stand in
the training rows too are wrong in it, as they are in the score, have the worst loss, and are marked as ``found``.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluator.outcomes import Outcomes
from wlops_common.contracts import ObjectRef
from wlops_common.errors import ArtifactChanged
from wlops_common.job_context import JobContext
from wlops_ml.task_metrics import LOSS

_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "group": pl.String,
        "scored": pl.Boolean,
        "right": pl.Boolean,
        "strictlyRight": pl.Boolean,
        "confidence": pl.Float64,
        "predicted": pl.String,
        "loss": pl.Float64,
        "found": pl.Boolean,
    }
)
#: Columns that files of before lack, and what is in them then.
_ADDED = {"loss": pl.lit(None, pl.Float64), "found": pl.lit(False)}


@dataclass(frozen=True)
class KeptOutcomes:
    """What was kept, one entry per row; arrays have shape ``(rows,)``, with NaN where there is no confidence or no loss."""

    ids: list[str]
    scored: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]
    strictly_right: npt.NDArray[np.bool_]
    confidences: npt.NDArray[np.float64]
    predicted: list[str]
    log_losses: npt.NDArray[np.float64]
    found: npt.NDArray[np.bool_]

    def counted(self, metric: str) -> npt.NDArray[np.bool_]:
        """See ``Outcomes.counted``; of a file that was written before losses were, none for the loss."""
        return ~np.isnan(self.log_losses) if metric == LOSS else self.scored


def prediction_hash(text: str) -> str:
    """What stands for a prediction in the file; equal predictions have equal hashes."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def to_parquet(outcomes: Outcomes) -> bytes:
    """The file, sorted by id: the same outcomes give the same bytes."""
    table = pl.DataFrame(
        {
            "id": outcomes.ids,
            "group": outcomes.groups,
            "scored": outcomes.scored,
            "right": outcomes.right,
            "strictlyRight": outcomes.strictly_right,
            "confidence": pl.Series(outcomes.confidences, dtype=pl.Float64).fill_nan(None),
            "predicted": [prediction_hash(text) for text in outcomes.predictions],
            "loss": pl.Series(outcomes.log_losses, dtype=pl.Float64).fill_nan(None),
            "found": outcomes.found,
        },
        schema=_SCHEMA,
    )
    sink = io.BytesIO()
    table.sort("id").write_parquet(sink, compression="zstd", statistics=False)
    return sink.getvalue()


def read_outcomes(context: JobContext, ref: ObjectRef) -> KeptOutcomes:
    """The outcomes in an object of the bucket. Raises ``ArtifactMissing`` or ``ArtifactChanged``, also when it is no such file."""
    data = context.store.read(ref)
    try:
        table = pl.read_parquet(io.BytesIO(data))
        table = table.with_columns(**{name: value for name, value in _ADDED.items() if name not in table.columns})
        table = table.select(list(_SCHEMA)).cast(dict(_SCHEMA))  # type: ignore[arg-type]
    except pl.exceptions.PolarsError as error:
        raise ArtifactChanged(f"{ref.key} holds no outcomes of an evaluation.", details={"key": ref.key}) from error
    return KeptOutcomes(
        ids=table["id"].to_list(),
        scored=table["scored"].to_numpy(),
        right=table["right"].to_numpy(),
        strictly_right=table["strictlyRight"].to_numpy(),
        confidences=table["confidence"].fill_null(float("nan")).to_numpy(),
        predicted=table["predicted"].to_list(),
        log_losses=table["loss"].fill_null(float("nan")).to_numpy(),
        found=table["found"].to_numpy(),
    )
