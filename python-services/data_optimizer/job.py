"""One optimisation: from the user's files (iteration 0) or the frozen split (later ones) to the training rows of an iteration.

The same request on the same objects gives the same bytes, but for times in the log. Not covered: HTTP, queueing, retries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from data_optimizer import pipeline
from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.proxy import ProxyModels
from data_optimizer.feedback.question import question_for
from data_optimizer.frozen_split import FrozenSplit
from data_optimizer.guard import GuardIndex, write_index
from data_optimizer.intake import take_in
from data_optimizer.journal import SEALED_ROLES, Journal
from data_optimizer.label_list import LABEL_LIST, write_label_list
from data_optimizer.learn import Learned, learn
from data_optimizer.log_page import log_page
from data_optimizer.outputs import Outputs
from data_optimizer.recipe import Recipe
from data_optimizer.refusals import refuse_too_small, refuse_unscorable
from data_optimizer.steps.worked_answers import answers_are_worked, targets_are_the_rule
from data_optimizer.working_rows import SCHEMA, from_row_file
from wlops_common.contracts import (
    LabelIssueReport,
    ObjectRef,
    OptimizeRequest,
    OptimizeResult,
    RowsRef,
)
from wlops_common.job_context import JobContext
from wlops_ml import rows as row_files
from wlops_ml.task_metrics import resolve_metric

_STEPS_FIRST, _STEPS_LATER = 15, 6


@dataclass(frozen=True)
class _Made:
    """What an iteration came to, before its last files are written."""

    frozen: FrozenSplit
    split: ObjectRef
    mine: RowsRef
    train: pl.DataFrame
    pool: pl.DataFrame
    learned: Learned | None = None
    label_issues: LabelIssueReport | None = None


def run(context: JobContext, request: OptimizeRequest) -> OptimizeResult:
    """Optimise the data of one iteration.

    Raises a ``DatasetError`` where the user's files cannot be used, ``ArtifactError`` where recorded objects are gone or changed,
    ``JobInterrupted`` when told to stop, and ``AlreadyCommitted`` when another attempt was first.
    """
    return _first(context, request) if request.split is None else _later(context, request, request.split)


def _first(context: JobContext, request: OptimizeRequest) -> OptimizeResult:
    journal = Journal(context, _STEPS_FIRST, request)
    taken = take_in(context, request, journal)
    task_type, has_pool = taken.task_type, taken.has_pool
    metric = resolve_metric(request.metric, task_type)
    divided, leakage = pipeline.make_split(taken.rows, task_type, request.seed, journal, context.work_dir)
    del taken  # Of millions of rows there is not room for several versions: each goes when the next is there.
    source = divided.filter(pl.col("role").is_in(["train", "pool"]))
    held_out = divided.filter(pl.col("role").is_in(pipeline.HELD_OUT_ROLES))
    del divided
    train, pool = (source.filter(pl.col("role") == role) for role in ("train", "pool"))
    worked = task_type == "generation" and answers_are_worked(train)
    with_targets = task_type == "generation" and targets_are_the_rule(train)
    outputs = Outputs(context, request.sealed_prefix, task_type, with_targets=with_targets)
    source_train = outputs.rows("source-train", train)
    source_pool = outputs.rows("source-pool", pool) if has_pool else None
    del train, pool
    held_out = pipeline.clean_held_out(held_out, task_type, journal, worked=worked)
    clean = pipeline.clean_open(source, task_type, journal, worked=worked)
    del source
    if task_type == "classification":
        pipeline.count_unknown_labels(clean.train, held_out, journal)
    refuse_too_small(pl.concat([held_out, clean.train]), task_type, journal.removed)
    refuse_unscorable(held_out, task_type, metric, context.check)
    operators = pipeline.operators_for(task_type, request, journal)
    clean = pipeline.balanced(clean, operators, request.seed, journal)
    suspects, doubts = pipeline.doubt_labels(clean.train, task_type, request.seed, journal)
    if with_targets:
        pipeline.record_targets(clean.train, journal)

    if doubts is not None:
        outputs.made(LABEL_LIST, lambda sink: write_label_list(sink, clean.train, suspects))
    by_role = {role: held_out.filter(pl.col("role") == role) for role in pipeline.HELD_OUT_ROLES}
    mine = outputs.rows("mine", by_role["mine"])
    select, test = (outputs.rows(role, by_role[role], sealed=True) for role in SEALED_ROLES)
    sealed_texts = pl.concat([by_role[role] for role in SEALED_ROLES])["given"]
    frozen = FrozenSplit(
        task_type=task_type,
        seed=request.seed,
        answers_are_worked=worked,
        with_targets=with_targets,
        mine=mine,
        select=select,
        test=test,
        source_train=source_train,
        source_pool=source_pool,
        guard=outputs.made("guard.parquet", lambda sink: write_index(sink, sealed_texts)),
        leakage=leakage,
        label_issues=doubts,
        suspects=suspects,
    )
    split = outputs.bytes("split.json", frozen.to_bytes(), content_type="application/json")
    made = _Made(frozen, split, mine, clean.train, clean.pool, label_issues=doubts)
    return _finish(context, outputs, journal, made)


def _later(context: JobContext, request: OptimizeRequest, split: ObjectRef) -> OptimizeResult:
    journal = Journal(context, _STEPS_LATER, request)
    frozen = FrozenSplit.from_bytes(context.store.read(split))
    mine_rows = _read_rows(context, frozen.mine, "mine")
    train = _read_rows(context, frozen.source_train, "train")
    pool = _read_rows(context, frozen.source_pool, "pool") if frozen.source_pool else pl.DataFrame(schema=SCHEMA)
    clean = pipeline.clean_open(pl.concat([train, pool]), frozen.task_type, journal, worked=frozen.answers_are_worked)
    operators = pipeline.operators_for(frozen.task_type, request, journal)
    clean = pipeline.balanced(clean, operators, frozen.seed, journal)
    question = question_for(frozen.task_type, clean.train, mine_rows)
    source = Bench(
        task_type=frozen.task_type,
        train=clean.train,
        mine=mine_rows,
        pool=clean.pool,
        guards=[GuardIndex.from_parquet(context.store.read(frozen.guard)), GuardIndex.of(mine_rows["given"].to_list())],
        suspects={suspect.id: suspect.suggested for suspect in frozen.suspects},
        seed=frozen.seed,
        proxies=ProxyModels(question, pl.concat([clean.train, clean.pool])) if question else None,
        has_pool=frozen.source_pool is not None,
        operators=operators,
    )
    started = journal.begin("recipe")
    learned = learn(context, request, source)
    made = learned.choice.bench
    doubted = [row_id for entry in learned.choice.recipe.entries if entry.kind == "fix" for row_id in entry.row_ids]
    dropped = pl.concat([clean.train, clean.pool]).filter(pl.col("id").is_in(doubted))
    dropped = dropped.with_columns(reason=pl.lit("doubted label"))
    beyond = pl.concat(made.beyond_caps) if made.beyond_caps else None
    added = made.train.height + (beyond.height if beyond is not None else 0)
    journal.record("recipe", clean.train.height, added, dropped, started)
    if beyond is not None:
        journal.record(
            "balance after feedback", added, made.train.height, beyond, journal.begin("balance after feedback")
        )
    journal.facts["recipe"] = {
        "applied": [one.to_json() for one in learned.all_applied],
        "declined": [one.to_json() for one in learned.declined],
        "trial": learned.choice.trial and learned.choice.trial.to_json(),
        "teacher": learned.teacher and learned.teacher.to_json(),
        "refusedByGuard": made.refused,
    }
    doubts = None
    if frozen.label_issues or source.suspects:
        doubts = LabelIssueReport(flagged=len(source.suspects), quarantined=dropped.height)
    with_targets = frozen.with_targets or any(entry.kind == "format" for entry in learned.choice.recipe.entries)
    outputs = Outputs(context, request.sealed_prefix, frozen.task_type, with_targets=with_targets)
    mine = outputs.rows("mine", mine_rows)
    return _finish(context, outputs, journal, _Made(frozen, split, mine, made.train, made.pool, learned, doubts))


def _finish(context: JobContext, outputs: Outputs, journal: Journal, made: _Made) -> OptimizeResult:
    """Write the remaining files, commit, and answer."""
    frozen, learned = made.frozen, made.learned
    recipe = learned.choice.recipe if learned else Recipe()
    trial = learned.choice.trial if learned else None
    facts: dict[str, Any] = {
        "taskType": frozen.task_type,
        "train": outputs.rows("train", made.train).to_json(),
        "mine": made.mine.to_json(),
        "pool": outputs.rows("pool", made.pool).to_json() if frozen.source_pool else None,
        "select": frozen.select.to_json(),
        "test": frozen.test.to_json(),
        "split": made.split.to_json(),
        "recipe": outputs.bytes("recipe.json", recipe.to_bytes(), content_type="application/json").to_json(),
        "labelCount": made.train["wanted"].n_unique() if frozen.task_type == "classification" else None,
        "unknownLabels": {role: counts.to_json() for role, counts in journal.unknown_labels.items()},
        "steps": [step.to_json() for step in journal.steps],
        "leakage": frozen.leakage.to_json(),
        "labelIssues": made.label_issues.to_json() if made.label_issues else None,
        "rowsBySource": dict(sorted(made.train.group_by("source").len().iter_rows())),
        "applied": [one.to_json() for one in learned.applied] if learned else [],
        "declined": [one.to_json() for one in learned.declined] if learned else [],
        "trial": trial and trial.to_json(),
        "teacher": learned.teacher.report().to_json() if learned and learned.teacher else None,
        "files": [one.to_json() for one in journal.files],
    }
    outputs.file("quarantine.jsonl", journal.quarantine)
    log = journal.to_log()
    facts["log"] = outputs.json("log.json", log).to_json()
    outputs.bytes("log.html", log_page(log).encode(), content_type="text/html; charset=utf-8")
    facts["seconds"] = journal.seconds()
    manifest = context.commit(outputs.files, result=facts)
    return OptimizeResult.model_validate({**facts, "manifest": manifest.to_json()})


def _read_rows(context: JobContext, ref: RowsRef, role: str) -> pl.DataFrame:
    table = row_files.from_parquet(context.store.read(ObjectRef(key=ref.key, sha256=ref.sha256)))
    return from_row_file(table, file="pool" if role == "pool" else "training", role=role)
