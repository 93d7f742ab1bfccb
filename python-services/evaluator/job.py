"""One evaluation job: fetch the rows and the model, find what it was trained on, predict, score, compare, learn from ``mine``, report.

``purpose: iteration`` scores ``select``, compares with the champion and learns from ``mine``; ``purpose: final`` scores ``test`` and
answers the score alone: the training rows it is given serve to find test rows among them, and ``select`` to see how often chance does.
Not here: HTTP, retries and the job's life, which ``wlops_common`` looks after.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from evaluator.comparison import compare
from evaluator.contamination import Audit, audit
from evaluator.evaluate import Evaluation, evaluate
from evaluator.findings import NO_FINDINGS, Findings, learn
from evaluator.no_credit import without_credit
from evaluator.outcome_file import read_outcomes, to_parquet
from evaluator.outcomes import Outcomes, predict
from evaluator.pool_margins import MARGINS_FILE, pool_margins
from evaluator.report import build_report, to_bytes
from evaluator.row_files import read_head, read_table
from evaluator.scorers import scorer_for
from wlops_common.contracts import Comparison, EvaluateRequest, EvaluateResult, MetricInfo, ObjectRef, RowsRef
from wlops_common.errors import DatasetEmpty, ModelTaskMismatch
from wlops_common.job_context import JobContext
from wlops_common.manifest import download_manifest
from wlops_ml.models.base import Predictor
from wlops_ml.models.load import load_model
from wlops_ml.rows import schema
from wlops_ml.task_metrics import higher_is_better, resolve_metric

#: Findings need no more rows than this; the files are sorted by a hash, so their first rows are a fair sample.
MAX_MINE_ROWS = 20_000
MAX_TRAIN_ROWS = 50_000
OUTCOMES_FILE = "outcomes.parquet"

LoadModel = Callable[[Path, JobContext], Predictor]


def _load(directory: Path, context: JobContext) -> Predictor:
    return load_model(directory, models_dir=context.models_dir, offline=context.hub_offline)


def run(context: JobContext, request: EvaluateRequest, load: LoadModel = _load) -> EvaluateResult:
    """Evaluate one model.

    Writes ``report.json``, ``timing.json`` and, in an iteration, ``improvements.json`` below the attempt's prefix, in an iteration also
    ``outcomes.parquet`` below the sealed prefix, if there is one, then the manifest. Repeatable: the same request gives the same bytes,
    times aside.

    Args:
        context: The running job.
        request: What to score.
        load: Makes the predictor from the folder with the model's files.

    Raises:
        MetricUnknown: The metric does not exist for the task type.
        ModelUnavailable, ModelTaskMismatch: The model cannot be loaded, or was made for the other task type.
        DatasetEmpty, DatasetTooSmall: There are no rows to score, or none of them has an answer.
        ArtifactMissing, ArtifactChanged: An object is not what its reference says.
    """
    began = time.perf_counter()
    metric = resolve_metric(request.metric, request.task_type)
    role, ref = _scored_role(request)
    table = read_table(context, ref, request.task_type, role)
    audited = audit(context, request, table, role)
    predictor = _predictor(context, request, load)
    headline = _Scorer(context, request, metric, predictor)
    scored = headline.score(table, role, audited)
    comparison = _compare(context, request, metric, table, scored.outcomes)
    mine, findings = _learn(context, request, headline)
    info = MetricInfo(name=metric, higher_is_better=higher_is_better(metric))
    report = build_report(
        request, info, role, audited, comparison, scored.evaluation, mine.evaluation if mine else None, findings
    )
    files = _keep(context, request, scored.outcomes) | pool_margins(context, request, predictor)
    files |= _write(
        context, request, report, findings, _timing(began, {role: scored, "mine": mine}), files.get(MARGINS_FILE)
    )
    result = EvaluateResult(
        metric=info,
        role=role,
        score=scored.evaluation.score,
        secondary=scored.evaluation.secondary,
        report=files["report.json"],
        improvements_file=files.get("improvements.json"),
        slices=[finding.to_slice() for finding in findings.slices],
        error_rates=findings.error_rates,
        improvements=[suggestion.improvement for suggestion in findings.suggestions],
        bad_cases=findings.bad_case_count,
        seconds=time.perf_counter() - began,
        outcomes=files.get(OUTCOMES_FILE),
        comparison=comparison,
        contamination=audited.contamination,
        attempts=context.attempt,
    )
    context.commit(files, result=result.to_json())
    return result


@dataclass(frozen=True)
class _Scored:
    outcomes: Outcomes
    evaluation: Evaluation


@dataclass(frozen=True)
class _Scorer:
    """Predicts and scores one role after the other with the same model and metric."""

    context: JobContext
    request: EvaluateRequest
    metric: str
    predictor: Predictor

    def score(self, table: pl.DataFrame, role: str, audited: Audit | None = None) -> _Scored:
        """Predict and score ``table``; nothing is credited for rows that the audit found."""
        stage, task_type = f"predicting {role} rows", self.request.task_type
        self.context.progress(stage, 0, table.height)
        outcomes = predict(
            self.predictor,
            table,
            task_type,
            scorer_for(task_type),
            on_progress=lambda done, total: self.context.progress(stage, done, total),
            check=self.context.check,
        )
        if audited is not None:
            outcomes = without_credit(outcomes, audited.found, task_type)
        return _Scored(outcomes, evaluate(outcomes, self.metric, task_type, role, self.request.seed))


def _scored_role(request: EvaluateRequest) -> tuple[Literal["select", "test"], RowsRef]:
    role: Literal["select", "test"] = "test" if request.purpose == "final" else "select"
    ref = request.test if role == "test" else request.select
    if ref is None:
        raise DatasetEmpty(f"A {request.purpose} evaluation needs `{role}` rows; the request gives none.")
    return role, ref


def _predictor(context: JobContext, request: EvaluateRequest, load: LoadModel) -> Predictor:
    context.progress("fetching the model")
    directory = context.work_dir / "model"
    download_manifest(context.store, request.model, directory)
    context.progress("loading the model")
    predictor = load(directory, context)
    if predictor.task_type != request.task_type:
        raise ModelTaskMismatch(f"The model does {predictor.task_type}, the task is {request.task_type}.")
    return predictor


def _compare(
    context: JobContext, request: EvaluateRequest, metric: str, table: pl.DataFrame, outcomes: Outcomes
) -> Comparison | None:
    """The comparison with the champion; None in a final evaluation, and where there is no champion or no row in common."""
    champion = request.champion
    if request.purpose == "final" or champion is None:
        return None
    context.progress("comparing with the champion")
    kept = read_outcomes(context, champion.outcomes)
    rows = table.to_dicts()
    return compare(rows, outcomes, kept, champion.iteration, metric, request.task_type, request.seed)


def _keep(context: JobContext, request: EvaluateRequest, outcomes: Outcomes) -> dict[str, ObjectRef]:
    """Keep the outcomes of an iteration for later comparisons, where only the evaluator reads them."""
    if request.purpose == "final" or request.sealed_prefix is None:
        return {}
    folder = f"{request.sealed_prefix}{request.iteration}-s{request.segment}/attempt-{context.attempt}/"
    return {OUTCOMES_FILE: context.store.put(folder + OUTCOMES_FILE, to_parquet(outcomes))}


def _learn(context: JobContext, request: EvaluateRequest, scorer: _Scorer) -> tuple[_Scored | None, Findings]:
    """Score ``mine`` and learn from it; nothing in a final evaluation, whatever the request holds."""
    if request.purpose == "final" or request.mine is None:
        return None, NO_FINDINGS
    table = read_table(context, request.mine, request.task_type, "mine").head(MAX_MINE_ROWS)
    mine = scorer.score(table, "mine")
    context.progress("finding slices")
    train = _train_sample(context, request)
    return mine, learn(table.to_dicts(), mine.outcomes, train, scorer.metric, request.task_type, request.seed)


def _train_sample(context: JobContext, request: EvaluateRequest) -> list[dict[str, Any]]:
    if request.train is None:
        return []
    columns = [name for name in schema(request.task_type) if name not in ("group", "source", "line", "target")]
    return read_head(context, request.train, columns, MAX_TRAIN_ROWS, "train")


def _timing(began: float, roles: dict[str, _Scored | None]) -> dict[str, Any]:
    """Seconds of the job so far, and per role the time in the model: throughput and mean latency of a row."""
    return {
        "seconds": time.perf_counter() - began,
        "roles": {
            role: {
                "rows": len(one.outcomes.ids),
                "predictionSeconds": one.outcomes.seconds,
                "rowsPerSecond": len(one.outcomes.ids) / max(one.outcomes.seconds, 1e-9),
                "millisecondsPerRow": 1000 * one.outcomes.seconds / len(one.outcomes.ids),
            }
            for role, one in roles.items()
            if one is not None
        },
    }


def _write(
    context: JobContext,
    request: EvaluateRequest,
    report: dict[str, Any],
    findings: Findings,
    timing: dict[str, Any],
    margins: ObjectRef | None,
) -> dict[str, ObjectRef]:
    """Write the job's files and return their references by name."""
    context.progress("writing the report")
    contents = {"report.json": report, "timing.json": timing}
    if request.purpose == "iteration":
        suggestions = [one.to_json() for one in findings.suggestions]
        contents["improvements.json"] = {"improvements": suggestions, "poolMargins": margins and margins.to_json()}
    return {
        name: context.store.put(context.attempt_prefix + name, to_bytes(data), "application/json")
        for name, data in contents.items()
    }
