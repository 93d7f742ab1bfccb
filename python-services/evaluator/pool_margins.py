"""How sure the model is of each row of the pool: by it the optimizer takes the rows that the model can learn most from.

Texts and labels of the pool are not written anywhere, and labels are not read. Not here: generation, where a prediction costs too much.
"""

from __future__ import annotations

import numpy as np

from evaluator.outcomes import BATCH_ROWS
from evaluator.row_files import read_head
from wlops_common.contracts import EvaluateRequest, ObjectRef
from wlops_common.job_context import JobContext
from wlops_ml.margins import margins_of, write_margins
from wlops_ml.models.base import Predictor

MARGINS_FILE = "pool-margins.parquet"
#: Rows that are asked about at most; files are sorted by a hash, so the first ones are a fair sample.
MAX_POOL_ROWS = 50_000


def pool_margins(context: JobContext, request: EvaluateRequest, predictor: Predictor) -> dict[str, ObjectRef]:
    """Write the margins of the pool's rows (see ``wlops_ml.margins``) and answer with the file by its name; nothing without a pool.

    Nothing either in a final evaluation, and for models without probabilities.
    """
    if (
        request.purpose == "final"
        or request.pool is None
        or request.pool.rows == 0
        or request.task_type != "classification"
    ):
        return {}
    rows = read_head(context, request.pool, ["id", "text"], MAX_POOL_ROWS, "pool")
    margins, predicted = [], []
    for start in range(0, len(rows), BATCH_ROWS):
        context.progress("asking about the pool", start, len(rows))
        predictions = predictor.predict(rows[start : start + BATCH_ROWS], check=context.check)
        probabilities = [one.probabilities for one in predictions if one.probabilities is not None]
        if len(probabilities) < len(predictions):
            return {}
        margins.append(margins_of(np.stack(probabilities)))
        predicted += [one.text for one in predictions]
    data = write_margins([str(row["id"]) for row in rows], np.concatenate(margins), predicted)
    return {MARGINS_FILE: context.store.put(context.attempt_prefix + MARGINS_FILE, data)}
