"""Try remedies with a quick model before the real one is trained: each kind is an arm, judged on ``mine`` beside a random control arm.

A teacher's rows are an arm of their own: wrong ones sink no others. An arm is taken when it does better than the rows so far and no worse
than as many random rows, rows of the pool unless they do harm; arms that win are joined as long as the joint score does not fall. Selection
and augmentation help or harm depending on data and model, so nothing is believed untried (Lowell, Lipton, Wallace 2019, arXiv 1807.04801).
Not here: promotion, which the real model decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from data_optimizer.feedback.apply import Done, apply_recipe
from data_optimizer.feedback.arms import Arm, declined, tried
from data_optimizer.feedback.bench import SMALL_TRAINING_ROWS, Bench
from data_optimizer.feedback.judge import SEEDS, Judge, Outcome
from data_optimizer.recipe import Recipe, RecipeEntry
from wlops_common.contracts import DeclinedImprovement, Trial, Uplift

OnProgress = Callable[[str], None]
_IDLE = "no new row came of it"


@dataclass(frozen=True)
class Choice:
    """The recipe that won, what it made of the rows, and what is to be told about the trial; ``trial`` is None where nothing was tried."""

    recipe: Recipe
    bench: Bench
    done: list[Done]
    trial: Trial | None = None
    declined: list[DeclinedImprovement] = field(default_factory=list)
    #: Entry id -> what the chosen rows lose without it.
    uplifts: dict[str, Uplift] = field(default_factory=dict)


def choose_entries(
    source: Bench,
    recipe: Recipe,
    entries: list[RecipeEntry],
    on_progress: OnProgress,
    check: Callable[[], None] = lambda: None,
) -> Choice:
    """Try the entries on top of the recipe and answer with what won. Same rows, recipe and entries, same choice.

    Where no quick model can stand in for the real one all entries are taken, untried. ``check`` is called before each entry is applied and
    each quick model is trained, and may raise, to end the trial.
    """
    if source.proxies is None or not entries:
        bench, done = _untried(source, recipe, entries, on_progress)
        idle = _idle(entries, done)
        if idle:
            bench, done = _untried(source, recipe, [entry for entry in entries if entry not in idle], on_progress)
        fixed = recipe.model_copy(update={"entries": [entry for entry, _ in done]})
        return Choice(fixed, bench, done, declined=declined(idle, _IDLE))
    judge = Judge(source, recipe, source.proxies, check)
    on_progress("trial: the rows so far")
    base = judge.attempt([])
    # A quick model does not see how answers are told.
    untold = [entry for entry in entries if entry.kind == "format"]
    arms, fruitless = _arms(judge, base, [entry for entry in entries if entry.kind != "format"], on_progress)
    chosen, outcome, arms = _joined(judge, base, arms, on_progress)
    idle = _idle(chosen, outcome.done)
    if idle:
        # An entry that did nothing must not stay: asked again on other rows, it would do what nobody has tried.
        chosen = [entry for entry in chosen if entry not in idle]
        outcome = judge.attempt(chosen)
        fruitless += declined(idle, _IDLE)
    uplifts = _parts(judge, base, chosen, outcome, on_progress)
    final = judge.attempt([*chosen, *untold]) if untold else outcome
    names = {entry.id for entry in chosen}
    return Choice(
        recipe=_fixed(recipe.extended([*chosen, *untold]), final.done),
        bench=final.bench,
        done=final.done,
        trial=Trial(
            proxy=judge.description,
            seeds=SEEDS,
            samples=judge.samples,
            baseline=round(base.score, 6),
            chosen=round(final.score, 6),
            arms=[one for arm in arms for one in arm.told(chosen=bool(names.intersection(arm.ids)))],
        ),
        declined=[*fruitless, *(one for arm in arms if not names.intersection(arm.ids) for one in arm.declined())],
        uplifts=uplifts,
    )


def _untried(
    source: Bench, recipe: Recipe, entries: list[RecipeEntry], on_progress: OnProgress
) -> tuple[Bench, list[Done]]:
    bench = source.copy()
    done = apply_recipe(bench, recipe.extended(entries), lambda entry: on_progress(f"{entry.arm}: {entry.slice}"))
    return bench, done


def _idle(entries: list[RecipeEntry], done: list[Done]) -> list[RecipeEntry]:
    """Those of the entries that neither added nor changed nor dropped a row."""
    busy = {entry.id for entry, rows in done if rows > 0}
    return [entry for entry in entries if entry.id not in busy]


def _arms(
    judge: Judge, base: Outcome, entries: list[RecipeEntry], on_progress: OnProgress
) -> tuple[list[Arm], list[DeclinedImprovement]]:
    """The arms, in the order in which their entries come, and the improvements that no row came of."""
    arms, fruitless = [], []
    for name in dict.fromkeys(entry.arm for entry in entries):
        on_progress(f"trial: {name} and its control arm")
        own = [entry for entry in entries if entry.arm == name]
        arm = tried(judge, base, own)
        if arm is None:
            fruitless += declined(own, _IDLE)
        else:
            arms.append(arm)
    return arms, fruitless


def _joined(
    judge: Judge, base: Outcome, arms: list[Arm], on_progress: OnProgress
) -> tuple[list[RecipeEntry], Outcome, list[Arm]]:
    """Entries of the winning arms that do well together, what comes of them, and the arms with the last word on each."""
    winners = sorted((arm for arm in arms if arm.wins), key=lambda arm: -arm.outcome.score)
    if not winners:
        return _nearest(base, arms)
    chosen, outcome = list(winners[0].entries), winners[0].outcome
    told = {arm.name: arm for arm in arms}
    for arm in winners[1:]:
        on_progress(f"trial: together with {arm.name}")
        joint = judge.attempt([*chosen, *arm.entries])
        if joint.score >= outcome.score:
            chosen, outcome = [*chosen, *arm.entries], joint
        else:
            lost = f"{arm.reason}; beside what was taken it loses {outcome.score - joint.score:.4f}"
            told[arm.name] = replace(arm, reason=lost)
    return chosen, outcome, list(told.values())


def _nearest(base: Outcome, arms: list[Arm]) -> tuple[list[RecipeEntry], Outcome, list[Arm]]:
    """Where no arm wins, the one that comes closest, if it may be no worse: the loop learns more from it than from the same rows again.

    Doubted rows are dropped so only where both comparisons speak for it: as many random ones cost more, so the doubts have meaning. Copies
    are never added to many rows: there a trial's no is to be believed.
    """
    open_arms = [arm for arm in arms if arm.uplift.high >= 0 and _may_be_asked(base, arm)]
    if not open_arms:
        return [], base, arms
    best = max(open_arms, key=lambda arm: arm.outcome.score)
    asked = replace(best, reason=f"{best.reason}; nothing did better, so the real model is asked")
    return best.entries, best.outcome, [asked if arm is best else arm for arm in arms]


def _may_be_asked(base: Outcome, arm: Arm) -> bool:
    if arm.kind == "fix":
        return arm.uplift.value > 0 and arm.lead > 0
    return base.bench.train.height < SMALL_TRAINING_ROWS or arm.kind not in ("augment", "replay")


def _parts(
    judge: Judge, base: Outcome, chosen: list[RecipeEntry], outcome: Outcome, on_progress: OnProgress
) -> dict[str, Uplift]:
    """For each entry what is lost without it, all others making the rows that they make beside it."""
    parts = {}
    for entry in chosen:
        others = [other for other in chosen if other.id != entry.id]
        without = base
        if others or any(base.limits[name] != outcome.limits[name] for name in base.limits):
            on_progress(f"trial: without {entry.arm}, {entry.slice}")
            without = judge.attempt(others, limits=outcome.limits)
        parts[entry.id], _ = judge.uplift(without, outcome)
    return parts


def _fixed(recipe: Recipe, done: list[Done]) -> Recipe:
    """The recipe with the rows its entries chose."""
    return recipe.model_copy(update={"entries": [entry for entry, _ in done]})
