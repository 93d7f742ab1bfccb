"""Reworded sealed problems are told from those that chance makes: the former give no credit, the latter are scored as all others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.generate import generate
from data_optimizer.guard import GuardIndex
from data_optimizer.recipe import RecipeEntry
from data_optimizer.tests.reworded_problems import problems
from data_optimizer.tests.test_steps import table
from evaluator.chance import Met, contaminated
from evaluator.rewordings import Rewordings, rewordings
from evaluator.tests.workplace import KnownPredictor, Workplace
from tests.templates import Family, Problem, shared_out, with_constants
from wlops_common.contracts import EvaluateResult
from wlops_common.testing import DirectoryObjectStore
from wlops_ml.overlap import overlaps
from wlops_ml.paraphrases import reworded
from wlops_ml.rows import content_ids

SEALED = 300


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path, DirectoryObjectStore(tmp_path / "bucket"))


def frame(rows: list[Problem], source: str = "original") -> pl.DataFrame:
    """Problems as the search takes them."""
    given, wanted = ([row[at] for row in rows] for at in (0, 1))
    columns = {"id": content_ids(rows), "given": given, "wanted": wanted}
    return pl.DataFrame(columns).with_columns(pl.col("id").alias("group"), pl.lit(source).alias("source"))


def evaluated(
    workplace: Workplace, test: list[Problem], select: list[Problem], training: list[Problem], remembered: set[str]
) -> EvaluateResult:
    """The final evaluation of a model that is right on every second sealed problem, and on those it remembers."""
    known = {given: (wanted, number % 2 == 0) for number, (given, wanted) in enumerate(test)}

    def answer(prompt: str) -> str:
        wanted, is_known = known[prompt]
        return wanted if is_known or prompt in remembered else "#### -1"

    refs = {
        role: workplace.rows(
            f"{role}{len(rows)}",
            [{"prompt": given, "completion": wanted, "source": "original", "meta": "{}"} for given, wanted in rows],
            "generation",
        )
        for role, rows in (("test", test), ("select", select), ("train", training))
    }
    return workplace.run(workplace.request("generation", purpose="final", **refs), KnownPredictor("generation", answer))


@pytest.mark.parametrize("seed", [5, 6])
@pytest.mark.parametrize("count", [40, 76])
def test_many_rewordings_of_weak_evidence_each_do_not_raise_the_score(
    workplace: Workplace, seed: int, count: int
) -> None:
    made = problems(SEALED + 300 + 2400, seed, "plain")
    told = [(one.told, f"#### {one.answer}") for one in made]
    test, select, honest = told[:SEALED], told[SEALED : SEALED + 300], told[SEALED + 300 :]
    known = [(one.reworded, f"#### {one.answer}") for one in made[:SEALED]]
    expected = reworded(frame(honest + known).sort("id"), frame(test)).expected
    weakest = sorted(expected, key=expected.__getitem__)[-count:]
    cheat = [known[row] for row in weakest]
    remembered = {test[row][0] for row in weakest}
    plain = evaluated(workplace, test, select, honest, set())
    cheating = evaluated(workplace, test, select, honest + cheat, remembered)
    assert plain.contamination is not None
    assert cheating.contamination is not None
    assert plain.contamination.excluded == 0
    assert cheating.contamination.excluded >= count - 8
    assert cheating.score.value <= plain.score.value


def honest_set(family: Family, seed: int) -> tuple[list[Problem], list[Problem], list[Problem]]:
    """Sealed, other held-out and training problems as an honest loop has them: purged at the split, then rows are made, all but copies."""
    rows = family(2 * SEALED + 900, seed)
    test, mine, open_rows = rows[:SEALED], rows[SEALED : 2 * SEALED], rows[2 * SEALED :]
    open_rows = without_copies(open_rows, test + mine)
    overlapping = reworded(frame(open_rows), frame(test + mine)).training
    kept = [row for at, row in enumerate(open_rows) if at not in overlapping]
    return test, mine, kept + without_copies(family(600, seed + 1), test + mine + kept)


def without_copies(rows: list[Problem], held_out: list[Problem]) -> list[Problem]:
    kinds = overlaps([given for given, _ in rows], [[given for given, _ in held_out]], "generation")
    return [row for row, kind in zip(rows, kinds, strict=True) if kind is None]


def searched(test: list[Problem], mine: list[Problem], training: list[Problem]) -> Rewordings:
    names = ["id", "given", "wanted", "group"]
    return rewordings(frame(training), frame(test).select(names), frame(mine).select(names), lambda: None)


def test_honest_rows_of_few_templates_are_seldom_taken_for_contamination() -> None:
    alarms, of_splits, splits = 0, 0, 50
    families = (shared_out, with_constants)
    for seed in range(20):
        test, mine, training = honest_set(families[seed % 2], 100 * seed)
        met = reworded(frame(training), frame(test + mine)).expected
        expected = np.array([met.get(row, np.inf) for row in range(len(test + mine))])
        assert np.isfinite(expected).sum() > 40  # there is much to be wrong about
        alarms += found_in(expected).any()
        draw = np.random.default_rng(seed)
        of_splits += sum(found_in(draw.permutation(expected)).any() for _ in range(splits))
    assert alarms <= 3
    assert of_splits <= 0.07 * 20 * splits


def found_in(expected: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """What counts as contamination if the first rows were the scored ones and the others those beside them."""
    names = np.arange(len(expected)).astype(np.str_)
    return contaminated(Met(expected[:SEALED], names[:SEALED]), Met(expected[SEALED:], names[SEALED:]))


def test_one_reworded_row_among_those_that_chance_makes_is_found_and_few_beside_it(workplace: Workplace) -> None:
    test, mine, training = honest_set(shared_out, 7)
    test = [*test, ("Ada has 98765 beads and buys 43210 more. How many beads has she now?", "#### 141975")]
    cheat = (
        "Ada kept 98765 beads in a box and bought another 43210 beads. How many beads does Ada have?",
        "#### 141975",
    )
    result = evaluated(workplace, test, mine, [*training, cheat], {test[-1][0]})
    assert result.contamination is not None
    assert result.contamination.paraphrases == result.contamination.excluded in range(1, 4)
    assert result.contamination.made == 0
    assert result.contamination.by_chance is not None
    assert result.contamination.by_chance > 20
    assert result.score.value == pytest.approx(0.5, abs=0.01)
    notes = json.loads(workplace.store.read(result.report))["notes"]
    assert [note for note in notes if "in other words by training rows, no more than chance explains" in note]


@pytest.mark.parametrize("seed", range(3))
def test_problems_that_the_loop_itself_makes_of_half_of_mine_are_chance(seed: int) -> None:
    test, mine, training = honest_set(shared_out, 11 + seed)
    training_rows, mine_rows = (table(rows).with_columns(pl.col("id").alias("group")) for rows in (training, mine))
    guards = [GuardIndex.of([given for given, _ in rows]) for rows in (test, mine)]
    bench = Bench("generation", training_rows, mine_rows, training_rows.clear(), guards, {}, seed)
    entry = RecipeEntry(id="a", improvement_id="a", iteration=1, kind="generate", slice="all rows", rows=700)
    assert generate(bench, entry, 700) == 700
    told = searched(test, mine, list(bench.train.select("given", "wanted").iter_rows()))
    assert told.by_chance > 10
    assert not told.found.any()


def test_a_cancelled_evaluation_stops_looking_for_rewordings() -> None:
    class Cancelled(Exception):
        pass

    def cancel() -> None:
        raise Cancelled

    test, mine, training = honest_set(shared_out, 3)
    with pytest.raises(Cancelled):
        rewordings(frame(training), frame(test), frame(mine), cancel)


def test_beside_few_held_out_rows_only_evidence_of_a_row_itself_counts_and_that_is_said(workplace: Workplace) -> None:
    made = problems(900, 5, "plain")
    told = [(one.told, f"#### {one.answer}") for one in made]
    cheat = [(one.reworded, f"#### {one.answer}") for one in made[:6]]
    result = evaluated(workplace, told[:300], told[300:310], told[310:] + cheat, set())
    assert result.contamination is not None
    assert result.contamination.paraphrases is not None
    assert result.contamination.paraphrases >= 3
    notes = json.loads(workplace.store.read(result.report))["notes"]
    assert [note for note in notes if "Too few `select` rows stand beside the test rows" in note]
