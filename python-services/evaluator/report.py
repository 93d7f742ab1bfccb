"""The evaluation report: one JSON object per evaluation, equal in every byte for equal inputs.

Times are not in it; they go to ``timing.json``. Not here: the report over a whole task, which the control centre puts together.
"""

from __future__ import annotations

import json
from typing import Any

from evaluator.contamination import Audit
from evaluator.evaluate import Evaluation, aggregates
from evaluator.findings import Findings
from wlops_common.contracts import Comparison, EvaluateRequest, MetricInfo

FORMAT_VERSION = 1


def build_report(
    request: EvaluateRequest,
    metric: MetricInfo,
    role: str,
    audited: Audit,
    comparison: Comparison | None,
    evaluation: Evaluation,
    mine: Evaluation | None,
    findings: Findings,
) -> dict[str, Any]:
    """The report as JSON-ready data.

    ``audited`` and ``evaluation`` are of ``role`` (``select`` or ``test``), ``mine`` of the rows one may learn from, None in a final
    evaluation. Rows, predictions and label-by-label figures of the sealed test never appear: a final report holds aggregates alone.
    """
    final = request.purpose == "final"
    figures = aggregates(evaluation)
    return {
        "formatVersion": FORMAT_VERSION,
        "taskId": request.task_id,
        "iteration": request.iteration,
        "purpose": request.purpose,
        "taskType": request.task_type,
        "metric": metric.to_json(),
        "role": role,
        "score": evaluation.score.to_json(),
        "secondary": evaluation.secondary,
        "notes": [*audited.notes(role), *evaluation.notes, *(mine.notes if mine else [])],
        "contamination": None if audited.contamination is None else audited.contamination.to_json(),
        "comparison": None if comparison is None else comparison.to_json(),
        "roles": {
            role: {**figures, "perClass": None} if final else figures,
            **({"mine": {"score": mine.score.to_json(), **aggregates(mine)}} if mine else {}),
        },
        "confusion": mine.confusion.to_json() if mine and mine.confusion else None,
        "features": findings.features,
        "slices": findings.slices_to_json(),
        "badCases": {"total": findings.bad_case_count, "shown": findings.bad_cases},
        "improvements": [suggestion.improvement.to_json() for suggestion in findings.suggestions],
        "lineage": _lineage(request),
    }


def to_bytes(data: dict[str, Any]) -> bytes:
    """JSON in ASCII with sorted keys. ``<`` is escaped too, so that text from rows stays inert inside an HTML page."""
    return json.dumps(data, sort_keys=True, allow_nan=False, indent=1).replace("<", "\\u003c").encode("ascii")


def _lineage(request: EvaluateRequest) -> dict[str, Any]:
    refs = {"train": request.train, "mine": request.mine, "select": request.select, "test": request.test}
    used = ("test", "train", "select") if request.purpose == "final" else ("train", "mine", "select")
    return {
        "seed": request.seed,
        "modelManifestSha256": request.model.sha256,
        "data": {name: {"sha256": ref.sha256, "rows": ref.rows} for name in used if (ref := refs[name])},
    }
