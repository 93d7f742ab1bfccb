"""Apply a recipe to the cleaned source rows, oldest entry first, with the rows it may make shared out under the synthetic cap."""

from __future__ import annotations

from collections.abc import Callable

from data_optimizer.feedback.augment import augment
from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.fix import fix
from data_optimizer.feedback.generate import generate
from data_optimizer.feedback.select_rows import choose, move
from data_optimizer.recipe import Recipe, RecipeEntry
from wlops_common.contracts import AppliedImprovement
from wlops_ml.maths import equation_target

_SYNTHETIC = ("generate", "augment")


def apply_recipe(
    bench: Bench, recipe: Recipe, before_entry: Callable[[RecipeEntry], None]
) -> tuple[Recipe, list[AppliedImprovement]]:
    """Change ``bench`` by every entry; answers the recipe with the rows it chose fixed, and what each entry did, in order.

    Rows are taken out first and taken from the pool next, so that the synthetic share counts the rows that are really there.
    """
    done: dict[str, tuple[RecipeEntry, int]] = {}
    for entry in sorted(recipe.entries, key=lambda one: {"fix": 0, "select": 1}.get(one.kind, 2)):
        if entry.kind in _SYNTHETIC:
            continue
        before_entry(entry)
        done[entry.id] = _plain(bench, entry)
    limits = _limits(recipe, bench.train.height)
    for entry in recipe.entries:
        if entry.kind in _SYNTHETIC:
            before_entry(entry)
            make = generate if entry.kind == "generate" and bench.task_type == "generation" else augment
            done[entry.id] = entry, make(bench, entry, limits[entry.id])
    fixed = recipe.model_copy(update={"entries": [done[entry.id][0] for entry in recipe.entries]})
    applied = [
        AppliedImprovement(id=entry.improvement_id, kind=entry.kind, slice=entry.slice, rows=done[entry.id][1])
        for entry in recipe.entries
    ]
    return fixed, applied


def _plain(bench: Bench, entry: RecipeEntry) -> tuple[RecipeEntry, int]:
    if entry.kind == "fix":
        return entry, fix(bench, entry)
    if entry.kind == "select":
        chosen = entry if entry.row_ids else entry.model_copy(update={"row_ids": choose(bench, entry)})
        return chosen, move(bench, chosen)
    if entry.kind == "format":
        return entry, sum(equation_target(text) is not None for text in bench.train["wanted"].to_list())
    return entry, 0


def _limits(recipe: Recipe, real_rows: int) -> dict[str, int]:
    """Rows each synthetic entry may make: what it wants, all scaled down alike where that is more than the cap."""
    wanted = {entry.id: entry.rows for entry in recipe.entries if entry.kind in _SYNTHETIC}
    cap = int(real_rows * recipe.synthetic_share / (1 - recipe.synthetic_share))
    total = sum(wanted.values())
    return wanted if total <= cap else {name: rows * cap // total for name, rows in wanted.items()}
