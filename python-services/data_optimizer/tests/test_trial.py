from __future__ import annotations

import random
import re
from typing import Any, ClassVar

import polars as pl
import pytest

from data_optimizer.feedback import trial
from data_optimizer.feedback.apply import apply_recipe
from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.compile import MAX_ENTRIES, candidates_for
from data_optimizer.feedback.generate import generate
from data_optimizer.feedback.judge import Judge, Outcome
from data_optimizer.feedback.proxy import ProxyModels
from data_optimizer.feedback.question import Question, question_for, skeleton
from data_optimizer.feedback.trial import Choice, choose_entries
from data_optimizer.recipe import Feedback, PredicateSpec, Recipe, RecipeEntry
from data_optimizer.tests.test_steps import table
from data_optimizer.tests.workplace import Workplace, csv_file, maths_file, sentences, topic_of, topics
from data_optimizer.working_rows import from_row_file
from wlops_common.contracts import Operators, TrialArm
from wlops_common.job_context import JobInterrupted


def _named(rows: list[tuple[str, str]], letter: str, file: str = "training") -> pl.DataFrame:
    """The rows with the ids `<letter>0`, `<letter>1`, …, each its own group."""
    ids = pl.Series("id", [f"{letter}{row}" for row in range(len(rows))], dtype=pl.String)
    return table(rows, file).with_columns(ids, ids.alias("group"))


def _bench(
    train: list[tuple[str, str]],
    mine: list[tuple[str, str]],
    pool: list[tuple[str, str]],
    suspects: dict[str, str] | None = None,
) -> Bench:
    rows, reserve = _named(train, "t"), _named(pool, "p", "pool")
    proxies = ProxyModels(Question("the label", "classification"), pl.concat([rows, reserve]))
    return Bench("classification", rows, _named(mine, "m"), reserve, [], suspects or {}, 5, proxies, bool(pool))


def _entry(kind: Any, rows: int, value: str | None = None, name: str | None = None) -> RecipeEntry:
    predicate = PredicateSpec(feature="label", value=value) if value else None
    name = name or f"imp_{kind}"
    return RecipeEntry(
        id=f"1-{name}",
        improvement_id=name,
        iteration=1,
        kind=kind,
        slice=value or "all rows",
        predicate=predicate,
        rows=rows,
    )


def _choose(bench: Bench, *entries: RecipeEntry) -> tuple[Choice, dict[str, TrialArm]]:
    choice = choose_entries(bench, Recipe(), list(entries), lambda _: None)
    assert choice.trial is not None
    return choice, {arm.arm: arm for arm in choice.trial.arms}


def test_rows_that_help_are_taken_and_measured_beside_a_random_control_arm() -> None:
    bench = _bench(topics(150, 1), topics(300, 2), topics(600, 3))
    choice, arms = _choose(bench, _entry("select", 300))
    assert choice.trial is not None
    assert arms["select"].chosen
    assert arms["select"].uplift.value > 0.05
    assert arms["control select"].rows == arms["select"].rows == 300
    assert arms["control select"].score > choice.trial.baseline
    assert choice.trial.seeds >= 3
    assert choice.trial.chosen == arms["select"].score
    assert choice.bench.train.filter(pl.col("source") == "select").height == 300
    assert choice.uplifts["1-imp_select"] == arms["select"].uplift


def test_pool_rows_are_taken_by_the_margins_of_the_champion_where_it_was_asked() -> None:
    bench = _bench(topics(150, 1), topics(100, 2), topics(200, 3))
    bench.margins = {f"p{row}": (0.001 * row, f"c{row % 4}") for row in range(100, 200)}
    choice, _ = _choose(bench, _entry("select", 40))
    assert choice.recipe.entries[0].row_ids == [f"p{row}" for row in range(100, 140)]


def test_the_pool_gives_no_more_rows_of_a_label_than_its_cap_has_room_for() -> None:
    train = [(f"{text} n{row}", f"c{row % 10 > 6:d}") for row, (text, _) in enumerate(topics(100, 1))]
    pool = [(f"{text} n9{row}", f"c{row % 2}") for row, (text, _) in enumerate(topics(100, 3))]
    bench = _bench(train, topics(20, 2), pool)
    bench.operators = Operators(max_rows_per_class=72)
    done = apply_recipe(bench, Recipe(entries=[_entry("select", 30)]))
    assert [rows for _, rows in done] == [30]
    assert dict(bench.train.group_by("wanted").len().iter_rows()) == {"c0": 72, "c1": 58}
    assert bench.pool.height == 70


def test_a_remedy_that_harms_is_declined_with_its_numbers() -> None:
    train = topics(600, 1)
    rng = random.Random(3)
    right = [f"t{row}" for row in rng.sample(range(600), 400)]
    bench = _bench(train, topics(300, 2), [], dict.fromkeys(right, "c0"))
    choice, arms = _choose(bench, _entry("fix", 0))
    assert not arms["fix"].chosen
    assert arms["fix"].uplift.value < 0
    assert [(one.id, one.kind) for one in choice.declined] == [("imp_fix", "fix")]
    assert f"{arms['fix'].uplift.value:+.4f}" in choice.declined[0].reason
    assert choice.bench.train.height == 600
    assert choice.recipe.entries == []


def test_wrong_labels_that_are_doubted_go_and_random_rows_in_their_place_would_not_have_helped() -> None:
    noisy = topics(600, 1, wrong=0.5)
    suspects = {f"t{row}": topic_of(text) for row, (text, label) in enumerate(noisy) if topic_of(text) != label}
    choice, arms = _choose(_bench(noisy, topics(400, 2), [], suspects), _entry("fix", 0))
    assert arms["fix"].chosen
    assert arms["fix"].uplift.value > 0.05 > arms["control fix"].uplift.value
    assert choice.recipe.entries[0].row_ids == sorted(suspects)


class _Attempts(Judge):
    """A judge that keeps what each attempt did: entry id -> rows."""

    made: ClassVar[list[dict[str, int]]] = []

    def attempt(self, *arguments: Any, **options: Any) -> Outcome:
        outcome = super().attempt(*arguments, **options)
        self.made.append({entry.id: rows for entry, rows in outcome.done})
        return outcome


def test_an_arm_its_control_and_the_rows_without_an_entry_hold_as_many_other_synthetic_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trial, "Judge", _Attempts)
    monkeypatch.setattr(_Attempts, "made", [])
    bench = _bench(topics(300, 1), topics(300, 2), topics(40, 3))
    # The cap is 128 synthetic rows for 300 real ones, so the entry of before alone would be scaled down already.
    old = _entry("replay", 150, name="old")
    entries = [_entry("augment", 100, "c1"), _entry("augment", 80, "c2", "imp_b"), _entry("select", 30)]
    choice = choose_entries(bench, Recipe(entries=[old]), entries, lambda _: None)
    assert choice.trial is not None
    arms = {arm.arm: arm for arm in choice.trial.arms}
    assert arms["augment"].rows > 50
    for kind in ("augment", "select"):
        assert arms[f"control {kind}"].rows == arms[kind].rows
    _, augment, *others = _Attempts.made
    beside = [made for made in others if any(name.startswith("control-augment") for name in made)]
    assert len(beside) == 3
    assert {made[old.id] for made in beside} == {augment[old.id]}
    final = {entry.id: rows for entry, rows in choice.done}
    without = [made for made in others if not any(name.startswith("control") for name in made)]
    assert any(made.items() < final.items() and len(made) == len(final) - 1 for made in without)


def test_what_a_control_of_generated_problems_cannot_make_is_copied() -> None:
    """Of thirteen templates twelve have numbers so small that two new problems are all that each can make."""
    rows = [(f"{text} costs 2 coins, and as much again.", "2+2=<<2+2=4>>4\n#### 4") for text in sentences(12, 5)]
    rows += [
        (f"Ann has {n} bags of {n + 17} beads.", f"{n}*{n + 17}=<<{n}*{n + 17}={n * (n + 17)}>>\n#### {n * (n + 17)}")
        for n in range(20, 260)
    ]
    train = _named([(re.sub(r"number \d+", "", given), wanted) for given, wanted in rows], "t")
    proxies = ProxyModels(Question("the equation", "generation"), train)
    bench = Bench("generation", train, train[12:30], train.clear(), [], {}, 5, proxies)
    entry = _entry("generate", 90).model_copy(update={"predicate": PredicateSpec(feature="operation", value="×")})
    _, arms = _choose(bench, entry)
    assert arms["control generate"].rows == arms["generate"].rows == 90


def test_rows_taken_at_random_replace_the_aimed_ones_where_these_do_clearly_worse() -> None:
    """The pool's rows that the model is unsure of, words of two classes, are labelled as a third."""
    train = [
        (f"{word} n{row}", label)
        for word, label in (("alpha", "c0"), ("beta", "c1"), ("gamma", "c2"))
        for row in range(40)
    ]
    trap = [(f"alpha beta n9{row}", "c2") for row in range(150)]
    sound = [(f"alpha psi{row % 3} n8{row}", "c0") for row in range(100)]
    sound += [(f"beta phi{row % 3} n8{row}", "c1") for row in range(100)]
    mine = [(f"psi{row % 3} n7{row}", "c0") for row in range(100)] + [
        (f"phi{row % 3} n7{row}", "c1") for row in range(100)
    ]
    mine += [(f"alpha beta n6{row}", "c0") for row in range(100)]
    choice, arms = _choose(_bench(train, mine, trap + sound), _entry("select", 100))
    assert "random rows of the pool are taken" in arms["select"].reason
    assert choice.recipe.entries[0].random
    assert choice.bench.train.filter(pl.col("source") == "select").height == arms["select"].rows == 100


def test_doubted_rows_are_the_nearest_where_both_comparisons_speak_for_dropping_them() -> None:
    noisy = topics(300, 6, wrong=0.1)
    suspects = {f"t{row}": topic_of(text) for row, (text, label) in enumerate(noisy) if topic_of(text) != label}
    bench = _bench(noisy, topics(60, 56), [], suspects)
    choice, arms = _choose(bench, _entry("fix", 0), _entry("augment", 90, "c1"))
    assert arms["control fix"].uplift.value < 0 < arms["fix"].uplift.value
    assert arms["augment"].score < arms["fix"].score
    assert "it must gain more than one standard error" in arms["fix"].reason
    assert "the real model is asked" in arms["fix"].reason
    assert [entry.kind for entry in choice.recipe.entries] == ["fix"]


def test_where_nothing_does_better_the_nearest_is_tried_by_the_real_model_but_no_fix_that_brings_nothing() -> None:
    easy = [(f"apple fruit n{row}", "c0") if row % 2 else (f"car wheel n{row}", "c1") for row in range(100)]
    bench = _bench(easy, easy[:40], [], {"t1": "c1"})
    choice, arms = _choose(bench, _entry("fix", 0), _entry("replay", 20, "c0"))
    assert [entry.kind for entry in choice.recipe.entries] == ["replay"]
    assert "the real model is asked" in arms["replay"].reason
    assert not arms["fix"].chosen


def test_copies_that_bring_nothing_are_not_added_to_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SMALL_TRAINING_ROWS", 100)
    easy = [(f"apple fruit n{row}", "c0") if row % 2 else (f"car wheel n{row}", "c1") for row in range(100)]
    choice, _ = _choose(_bench(easy, easy[:40], []), _entry("replay", 20, "c0"))
    assert choice.recipe.entries == []
    assert [one.id for one in choice.declined] == ["imp_replay"]


def test_every_improvement_is_either_applied_or_declined() -> None:
    bench = _bench(topics(200, 1), topics(200, 2), topics(300, 3), {"t3": "c1"})
    entries = [_entry("select", 50), _entry("fix", 0), _entry("augment", 40, "c1"), _entry("replay", 40, "nosuch")]
    choice, _ = _choose(bench, *entries)
    applied = {entry.improvement_id for entry in choice.recipe.entries}
    declined = {one.id for one in choice.declined}
    assert applied | declined == {entry.improvement_id for entry in entries}
    assert applied & declined == set()
    assert next(one.reason for one in choice.declined if one.id == "imp_replay") == "no new row came of it"


def test_the_same_rows_give_the_same_choice_whatever_their_order() -> None:
    entries = [_entry("select", 80), _entry("augment", 60, "c1"), _entry("replay", 30, "c2")]
    bench = _bench(topics(200, 1), topics(200, 2), topics(300, 3))
    first, _ = _choose(bench, *entries)
    shuffled = bench.copy()
    shuffled.train, shuffled.mine, shuffled.pool = (
        rows.sample(fraction=1, shuffle=True, seed=4) for rows in (bench.train, bench.mine, bench.pool)
    )
    second, _ = _choose(shuffled, *entries)
    assert (first.recipe, first.trial, first.declined, first.uplifts) == (
        second.recipe,
        second.trial,
        second.declined,
        second.uplifts,
    )
    assert first.bench.train.sort("id").equals(second.bench.train.sort("id"))


def test_the_source_rows_are_as_they_were_after_a_trial() -> None:
    bench = _bench(topics(100, 1), topics(100, 2), topics(100, 3))
    before = bench.train.clone(), bench.pool.clone()
    _choose(bench, _entry("select", 30), _entry("augment", 30))
    assert bench.train.equals(before[0])
    assert bench.pool.equals(before[1])


def test_without_a_question_for_a_quick_model_everything_is_applied_untried() -> None:
    bench = _bench(topics(100, 1), topics(100, 2), topics(100, 3))
    bench.proxies = None
    choice = choose_entries(bench, Recipe(), [_entry("select", 30), _entry("replay", 10, "c1")], lambda _: None)
    assert choice.trial is None
    assert [entry.kind for entry in choice.recipe.entries] == ["select", "replay"]


def _feedback(*findings: tuple[str, str, float]) -> Feedback:
    return Feedback.model_validate(
        {
            "improvements": [
                {"id": name, "kind": kind, "slice": "all rows", "gainBound": gain, "predicate": None}
                for name, kind, gain in findings
            ]
        }
    )


def test_what_has_lost_is_not_tried_again_but_a_selection_is_with_more_rows() -> None:
    bench = _bench(topics(100, 1), topics(100, 2), topics(300, 3))
    asked = _feedback(("a", "augment", 0.3), ("s", "select", 0.2))
    lost = Recipe(entries=[_entry("augment", 10, name="a"), _entry("select", 50, name="s")])
    fresh = candidates_for(asked, bench, Recipe(), 2, [])
    again = candidates_for(asked, bench, Recipe(), 2, [lost])
    assert [(entry.kind, entry.rows) for entry in fresh.entries] == [("augment", 400), ("select", 40)]
    assert [(entry.kind, entry.rows) for entry in again.entries] == [("select", 80)]
    assert [one.reason for one in again.declined] == [
        "the challenger of iteration 1 applied it and did not beat the champion"
    ]


def test_at_most_so_many_findings_are_taken_up_the_most_promising_first() -> None:
    bench = _bench(topics(100, 1), topics(100, 2), [])
    asked = _feedback(*((f"a{number:02}", "augment", number / 100) for number in range(MAX_ENTRIES + 3)))
    found = candidates_for(asked, bench, Recipe(), 1, [])
    assert [entry.improvement_id for entry in found.entries] == [f"a{n:02}" for n in range(MAX_ENTRIES + 2, 2, -1)]
    assert {one.reason for one in found.declined} == {f"{MAX_ENTRIES} other findings promise more"}


@pytest.mark.parametrize(
    ("prompt", "completion", "expected"),
    [
        ("Ann has 5 and gets 3.", "5+3=<<5+3=8>>8\n#### 8", "#0+#1"),
        ("Ann gets 3, had 5.", "5+3=<<5+3=8>>8\n#### 8", "#1+#0"),
        ("12 boxes of 4, 7 gone.", "12 × 4 = 48\n48 − 7 = 41\n#### 41", "#0*#1;=0-#2"),
        ("1,200 a dozen", "1,200/12=<<1200/12=100>>100\n#### 100", "#0/12"),
        ("Half of 3", "3/2=<<3/2=1.5>>1.5\n1.5*10=<<1.5*10=15>>15\n#### 15", "#0/2;=0*10"),
        ("Ann has 5.", "She has five.\n#### 5", None),
        ("5 and 3", "5+3=<<5+3=9>>9\n#### 9", None),
    ],
)
def test_the_skeleton_of_an_equation_names_numbers_by_their_places(
    prompt: str, completion: str, expected: str | None
) -> None:
    assert skeleton(prompt, completion) == expected


def test_generated_problems_of_a_missing_kind_are_judged_by_their_equations(workplace: Workplace) -> None:
    files = {"source": maths_file(300, 1, "+-*"), "validation": maths_file(400, 2, "+-*/")}
    first = workplace.optimise(files)
    asked = {
        "id": "imp_1", "kind": "generate", "slice": "operation = ÷", "gainBound": 0.2,
        "predicate": {"feature": "operation", "value": "÷"},
    }  # fmt: skip
    later = workplace.improve(files, first, [asked])
    assert later.trial is not None
    arms = {arm.arm: arm for arm in later.trial.arms}
    assert "equation" in later.trial.proxy
    assert arms["generate"].chosen
    assert arms["generate"].uplift.low > 0.05
    assert arms["generate"].uplift.value >= arms["control generate"].uplift.value


def test_the_mine_rows_whose_wording_is_used_do_not_judge_the_trial(workplace: Workplace) -> None:
    files = {"source": maths_file(300, 1, "+-*"), "validation": maths_file(400, 2, "+-*/")}
    mine = from_row_file(workplace.rows(workplace.optimise(files).mine), file="validation", role="mine")
    mine = mine.sort("id").with_columns(pl.Series("group", [f"g{row // 2}" for row in range(mine.height)]))
    bench = Bench("generation", mine.clear(), mine, mine.clear(), [], {}, 5)
    lent, judged = bench.wordings(), bench.judged()
    assert 0.35 * mine.height < lent.height < 0.65 * mine.height
    assert sorted([*lent["id"], *judged["id"]]) == mine["id"].to_list()
    assert set(lent["group"]).isdisjoint(judged["group"])
    division = _entry("generate", 40).model_copy(update={"predicate": PredicateSpec(feature="operation", value="÷")})
    # Without a division in training all templates come from `mine`: those of the half that lends its wording.
    assert generate(bench, division, 40) == 40
    made = {_without_numbers(text) for text in bench.train["given"]}
    assert made <= {_without_numbers(text) for text in lent["given"]}
    assert Judge(bench, Recipe(), ProxyModels(Question("the equation", "generation"), mine)).samples == judged.height
    labelled = _bench(topics(20, 1), topics(30, 2), [])
    assert (labelled.wordings().height, labelled.judged().height) == (0, 30)


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def test_a_trial_can_be_ended_before_every_quick_model() -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise JobInterrupted("cancel")

    with pytest.raises(JobInterrupted):
        choose_entries(
            _bench(topics(60, 1), topics(60, 2), topics(60, 3)), Recipe(), [_entry("select", 9)], lambda _: None, check
        )
    # Three trainings for the rows so far, then the entry of the arm and its first training.
    assert calls == 5


def test_free_answers_have_no_question() -> None:
    rows = table([(f"Tell me of {row}", f"It is {row} said of.") for row in range(50)])
    assert question_for("generation", rows, rows) is None


def test_results_and_log_tell_the_trial(workplace: Workplace) -> None:
    files = {"source": csv_file(300), "pool": csv_file(200, 9)}
    first = workplace.optimise(files)
    assert (first.trial, first.declined) == (None, [])
    asked = [{"id": "imp_1", "kind": "select", "slice": "all rows", "gainBound": 0.2, "predicate": None}]
    later = workplace.improve(files, first, asked)
    assert later.trial is not None
    assert later.applied[0].trial == next(arm.uplift for arm in later.trial.arms if arm.arm == "select")
    assert workplace.json(later.log)["recipe"]["trial"] == later.trial.to_json()
