"""One turn of learning: the evaluator's findings become candidates, a trial says which are worth it, and the rest is told with reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from data_optimizer.feedback.apply import apply_recipe
from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.compile import Candidates, candidates_for
from data_optimizer.feedback.trial import Choice, choose_entries
from data_optimizer.recipe import Feedback, Recipe
from data_optimizer.steps.label_issues import find_label_issues
from data_optimizer.teacher.address import address_of
from data_optimizer.teacher.teacher import Told, taught
from wlops_common.contracts import AppliedImprovement, DeclinedImprovement, Operators, OptimizeRequest
from wlops_common.job_context import JobContext
from wlops_ml.margins import read_margins


@dataclass(frozen=True)
class Learned:
    """The recipe of an iteration with what it made, the improvements that are new in it, all it holds, and those left out."""

    choice: Choice
    applied: list[AppliedImprovement]
    all_applied: list[AppliedImprovement]
    declined: list[DeclinedImprovement]
    #: What a teacher was asked and what came of it; None where none was to be asked.
    teacher: Told | None


def learn(context: JobContext, request: OptimizeRequest, source: Bench) -> Learned:
    """Extend the request's recipe by what its findings ask for and a trial approves.

    Raises ``ArtifactChanged`` where recipe or findings cannot be read.
    """
    recipe = Recipe.from_bytes(context.store.read(request.recipe)) if request.recipe else Recipe()
    candidates = Candidates()
    operators = request.operators or Operators()
    address, told = address_of(context.extras) if operators.use_teacher else None, None
    if request.feedback is not None:
        findings = Feedback.from_bytes(context.store.read(request.feedback))
        if findings.pool_margins is not None:
            source.margins = read_margins(context.store.read(findings.pool_margins))
        so_far = source.copy()
        apply_recipe(so_far, recipe)
        if source.task_type == "classification" and any(entry.kind == "select" for entry in recipe.entries):
            # Rows of the pool have not been judged, and with them the others can be judged better.
            context.progress("label issues")
            source.suspects = so_far.suspects = _suspects(so_far, context.check)
        rejected = [Recipe.from_bytes(context.store.read(ref)) for ref in request.rejected]
        candidates = candidates_for(
            findings, so_far, recipe, request.iteration, rejected, has_teacher=address is not None
        )
        if address is not None and candidates.entries:
            context.progress("teacher")
            candidates, told = taught(
                address, candidates, so_far, recipe, context.check, mask=operators.mask_personal_data
            )
            context.log("teacher", **told.to_json())
    choice = choose_entries(source, recipe, candidates.entries, context.progress, context.check)
    all_applied = [
        AppliedImprovement(
            id=entry.improvement_id,
            kind=entry.told_kind,
            arm=entry.arm,
            slice=entry.slice,
            rows=rows,
            trial=choice.uplifts.get(entry.id),
        )
        for entry, rows in choice.done
    ]
    new = [
        one for (entry, _), one in zip(choice.done, all_applied, strict=True) if entry.iteration == request.iteration
    ]
    # A finding that two arms carried out is declined only where both lost.
    applied = {one.id for one in new}
    declined = [*candidates.declined, *(one for one in choice.declined if one.id not in applied)]
    return Learned(choice, new, all_applied, declined, told)


def _suspects(bench: Bench, check: Callable[[], None]) -> Mapping[str, str]:
    """The doubted ones of the training rows that users gave, each with the label that is likelier; as before where they are too many."""
    rows = bench.originals().sort("id")
    issues = find_label_issues(rows["given"].to_list(), rows["wanted"].to_list(), bench.seed, check)
    return bench.suspects if issues is None else {rows["id"][issue.row]: issue.suggested for issue in issues}
