"""The judge of a trial: applies entries to copies of the source rows and asks a quick model of the result about ``mine``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_optimizer.feedback.apply import Done, apply_recipe, shared_out
from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.proxy import ProxyModels
from data_optimizer.feedback.uplift import paired_uplift
from data_optimizer.recipe import Recipe, RecipeEntry
from wlops_common.contracts import Uplift

SEEDS = 3
#: Rows of ``mine`` that are judged at most; more say little more.
MAX_JUDGED_ROWS = 5_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What entries made of the rows, and for each judged row the share of seeds whose quick model is right."""

    bench: Bench
    done: list[Done]
    right: Floats
    #: Entry id -> rows that a synthetic entry was allowed to make.
    limits: Mapping[str, int]

    @property
    def score(self) -> float:
        """The share of ``mine`` rows that are right, mean over the seeds."""
        return float(self.right.mean()) if self.right.size else 0.0

    def rows_of(self, entries: list[RecipeEntry]) -> int:
        """Rows these entries added, changed or dropped."""
        names = {entry.id for entry in entries}
        return sum(rows for entry, rows in self.done if entry.id in names)


class Judge:
    """Scores what comes of entries on top of a recipe. Same source rows, recipe and entries, same outcome."""

    def __init__(
        self, source: Bench, recipe: Recipe, proxies: ProxyModels, check: Callable[[], None] = lambda: None
    ) -> None:
        """``source`` holds the cleaned source rows, which no entry has been applied to; ``check`` may raise, to end an attempt."""
        self._check = check
        self._source, self._recipe, self._proxies = source, recipe, proxies
        mine = source.judged().sort("id").head(MAX_JUDGED_ROWS)
        answers = proxies.question.answers(mine)
        judged = [row for row, answer in enumerate(answers) if answer is not None]
        self._mine, self._answers = mine[judged], [answers[row] for row in judged]
        self._groups: list[str] = self._mine["group"].to_list()

    @property
    def samples(self) -> int:
        """How many rows are judged."""
        return len(self._answers)

    @property
    def description(self) -> str:
        """What the quick model is and what it is asked."""
        return self._proxies.description

    def attempt(
        self, entries: list[RecipeEntry], seeds: range = range(SEEDS), limits: Mapping[str, int] | None = None
    ) -> Outcome:
        """What comes of these entries, new on top of the recipe; ``limits`` as in ``apply_recipe``."""
        bench = self._source.copy()
        recipe = self._recipe.extended(entries)
        done = apply_recipe(bench, recipe, lambda _: self._check(), limits)
        right = np.mean([self._right(bench, seed) for seed in seeds], axis=0)
        return Outcome(bench, done, right, limits or shared_out(recipe, bench.originals().height))

    def uplift(self, before: Outcome, after: Outcome) -> tuple[Uplift, float]:
        """By how much ``after`` is better, and the standard error of that."""
        return paired_uplift(before.right, after.right, self._groups)

    def _right(self, bench: Bench, seed: int) -> Floats:
        self._check()
        proxy = self._proxies.fit(bench.train, bench.seed + seed)
        return np.zeros(self.samples) if proxy is None else proxy.right(self._mine, self._answers)
