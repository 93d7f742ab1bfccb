"""Apply a recipe to the cleaned source rows, oldest entry first, with the rows it may make shared out under the synthetic cap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from data_optimizer.feedback.augment import augment
from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.fix import drop, suspects_of
from data_optimizer.feedback.generate import generate
from data_optimizer.feedback.replay import replay
from data_optimizer.feedback.select_rows import choose, move
from data_optimizer.recipe import TEACHER, Recipe, RecipeEntry
from wlops_ml.maths import equation_target

#: Kinds that add rows which the user did not give.
_SYNTHETIC = ("generate", "augment", "replay")

#: An entry with the rows it chose fixed, and how many rows it added, changed or dropped.
Done = tuple[RecipeEntry, int]


def apply_recipe(
    bench: Bench,
    recipe: Recipe,
    before_entry: Callable[[RecipeEntry], None] = lambda _: None,
    limits: Mapping[str, int] | None = None,
) -> list[Done]:
    """Change ``bench`` by every entry; answers what each entry did, in the order of the recipe.

    Rows are taken out and taken from the pool first, in the order of the recipe, so that what came from the pool can be taken out again;
    then the synthetic share counts the rows that are really there. Where the task has caps, what an entry adds beyond them goes again.
    ``limits`` says how many rows each synthetic entry may make in place of that share: two recipes are fair to compare only where what
    they have in common makes the same rows.
    """
    done: dict[str, Done] = {}
    for entry in sorted(recipe.entries, key=lambda one: one.kind not in ("fix", "select")):
        if entry.kind not in _SYNTHETIC:
            before_entry(entry)
            done[entry.id] = _plain(bench, entry)
    if limits is None:
        limits = shared_out(recipe, bench.train.height)
    for entry in recipe.entries:
        if entry.kind in _SYNTHETIC:
            before_entry(entry)
            made = _synthetic(bench, entry, limits[entry.id])
            done[entry.id] = entry, made - bench.keep_caps(made)
    return [done[entry.id] for entry in recipe.entries]


def _plain(bench: Bench, entry: RecipeEntry) -> Done:
    if entry.kind == "fix":
        found = entry if entry.row_ids else entry.model_copy(update={"row_ids": suspects_of(bench, entry)})
        return found, drop(bench, found)
    if entry.kind == "select":
        chosen = entry if entry.row_ids else entry.model_copy(update={"row_ids": choose(bench, entry)})
        moved = move(bench, chosen)
        return chosen, moved - bench.keep_caps(moved)
    if entry.kind == "format":
        return entry, sum(equation_target(text) is not None for text in bench.train["wanted"].to_list())
    return entry, 0


def _synthetic(bench: Bench, entry: RecipeEntry, limit: int) -> int:
    if entry.kind == "replay":
        return replay(bench, entry, limit)
    if entry.drafts:
        return bench.accept([(row.given, row.wanted, "") for row in entry.drafts], TEACHER, limit)
    if entry.kind == "generate" and bench.task_type == "generation":
        return generate(bench, entry, limit)
    return augment(bench, entry, limit)


def shared_out(recipe: Recipe, real_rows: int) -> dict[str, int]:
    """Rows each synthetic entry may make: what it wants, all scaled down alike where that is more than the cap.

    Where a teacher wrote rows for a finding, what else carries it out makes those that are missing.
    """
    written = Counter[tuple[int, str]]()
    for entry in recipe.entries:
        written[entry.iteration, entry.improvement_id] += len(entry.drafts)
    wanted = {
        entry.id: len(entry.drafts) or max(0, entry.rows - written[entry.iteration, entry.improvement_id])
        for entry in recipe.entries
        if entry.kind in _SYNTHETIC
    }
    cap = int(real_rows * recipe.synthetic_share / (1 - recipe.synthetic_share))
    total = sum(wanted.values())
    return wanted if total <= cap else {name: rows * cap // total for name, rows in wanted.items()}
