from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import polars as pl
import pytest

from data_optimizer.feedback.apply import apply_recipe
from data_optimizer.feedback.augment import edit
from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.select_rows import choose
from data_optimizer.recipe import Feedback, Recipe, RecipeEntry
from data_optimizer.tests.workplace import Workplace, csv_file, labelled_csv, maths_file, sentences, topic_of, topics
from data_optimizer.working_rows import SCHEMA, with_keys
from wlops_common.contracts import OptimizeResult
from wlops_common.errors import ArtifactChanged
from wlops_ml.maths import equation_target
from wlops_ml.near_duplicates import jaccard
from wlops_ml.text import match_key, numbers


def finding(kind: str, feature: str, value: str, gain: float = 0.1, name: str = "imp_1") -> dict[str, Any]:
    return {
        "id": name, "kind": kind, "slice": f"{feature} = {value}", "support": 30, "errorRate": 0.9, "lift": 3.0, "gainBound": gain,
        "predicate": {"feature": feature, "value": value}, "examples": [],
    }  # fmt: skip


def maths_task(workplace: Workplace) -> tuple[dict[str, bytes], Any]:
    files = {"source": maths_file(300, 1, "+-*"), "validation": maths_file(120, 2, "+-*/")}
    return files, workplace.optimise(files)


def test_a_missing_operation_is_generated_from_the_mine_rows_and_verifies(workplace: Workplace) -> None:
    files, first = maths_task(workplace)
    later = workplace.improve(files, first, [finding("generate", "operation", "÷")])
    rows = workplace.rows(later.train)
    made = rows.filter(pl.col("source") == "generate")
    assert made.height == later.applied[0].rows >= 60
    assert all("/" in target for target in made["target"])
    assert all(
        equation_target(completion) == target for completion, target in made.select("completion", "target").iter_rows()
    )
    original = rows.filter(pl.col("source") == "original")
    assert set(original["id"]) == set(workplace.rows(first.train)["id"])


def test_generated_rows_are_no_mine_row_and_share_no_numbers_with_the_ones_they_come_from(workplace: Workplace) -> None:
    files, first = maths_task(workplace)
    later = workplace.improve(files, first, [finding("generate", "operation", "÷")])
    made = workplace.rows(later.train).filter(pl.col("source") == "generate")["prompt"].to_list()
    mine = [prompt for prompt in workplace.rows(first.mine)["prompt"] if "shares" in prompt]
    assert mine
    assert {numbers(prompt) for prompt in made}.isdisjoint({numbers(prompt) for prompt in mine})
    sealed = {match_key(prompt) for role in (first.select, first.test) for prompt in workplace.rows(role)["prompt"]}
    assert sealed.isdisjoint({match_key(prompt) for prompt in made})


def test_synthetic_rows_stay_below_their_share_whatever_is_asked(workplace: Workplace) -> None:
    files, first = maths_task(workplace)
    asked = [finding("generate", "operation", sign, name=f"imp_{index}") for index, sign in enumerate("+−×÷")]
    asked += [finding("generate", "length", bucket, name=f"imp_{bucket}") for bucket in ("short", "medium", "long")]
    later = workplace.improve(files, first, asked)
    rows = workplace.rows(later.train)
    assert 0.2 < rows.filter(pl.col("source") == "generate").height / rows.height <= 0.3


def test_recipes_are_cumulative_and_later_iterations_repeat_earlier_entries(workplace: Workplace) -> None:
    files = {"source": maths_file(300, 1, "+-*"), "validation": maths_file(140, 2, "+-*+-*/")}
    first = workplace.optimise(files)
    second = workplace.improve(files, first, [finding("generate", "operation", "÷")])
    third = workplace.improve(files, second, [finding("generate", "operation", "+")], iteration=2)
    assert [entry["id"] for entry in workplace.json(third.recipe)["entries"]] == ["1-imp_1", "2-imp_1"]
    assert [(one.id, one.slice) for one in third.applied] == [("imp_1", "operation = +")]
    made = [
        set(workplace.rows(result.train).filter(pl.col("source") == "generate")["id"]) for result in (second, third)
    ]
    assert made[0] <= made[1]


def test_the_same_findings_give_the_same_bytes(workplace: Workplace) -> None:
    results = []
    for name in ("a", "b"):
        place = Workplace(workplace.root / name)
        files, first = maths_task(place)
        results.append(place.improve(files, first, [finding("generate", "operation", "÷")]))
    assert results[0].train == results[1].train
    assert results[0].recipe == results[1].recipe


def test_a_failing_class_is_augmented_from_its_own_training_rows_only(workplace: Workplace) -> None:
    files = {"source": csv_file(300)}
    first = workplace.optimise(files)
    later = workplace.improve(files, first, [finding("augment", "label", "b")])
    rows = workplace.rows(later.train)
    made, own = (
        rows.filter(pl.col("source") == "augment"),
        rows.filter((pl.col("label") == "b") & (pl.col("source") == "original")),
    )
    assert 0 < made.height == later.applied[0].rows <= 0.3 * rows.height
    assert set(made["label"]) == {"b"}
    assert set(made["group"]) <= set(own["group"])
    held_out = [text for role in (first.mine, first.select, first.test) for text in workplace.rows(role)["text"]]
    assert all(jaccard(text, other) < 0.9 for text in made["text"] for other in held_out)


def test_edits_delete_or_swap_words_and_leave_very_short_texts() -> None:
    rng = np.random.default_rng(1)
    text = "where is the blue card that I ordered last week"
    edits = {edit(text, rng) for _ in range(50)}
    assert len(edits) > 25
    assert all(made is not None and set(made.split()) <= set(text.split()) for made in edits)
    assert edit("only three words", rng) is None


def test_pool_rows_are_selected_where_the_model_is_unsure_and_leave_the_pool(workplace: Workplace) -> None:
    files = {"source": csv_file(300), "pool": csv_file(200, 9)}
    first = workplace.optimise(files)
    later = workplace.improve(
        files, first, [finding("select", "label", "a"), finding("select", "label", "b", name="imp_2")]
    )
    (applied,) = later.applied
    selected = workplace.rows(later.train).filter(pl.col("source") == "select")
    before, after = workplace.rows(first.pool), workplace.rows(later.pool)
    assert selected.height == applied.rows > 30
    # Asked for by a slice, taken by doubt from the whole pool, and told as what it is.
    assert (applied.id, applied.slice) == ("imp_1", "all rows")
    assert set(before["id"]) == set(selected["id"]) | set(after["id"])
    again = workplace.improve(files, later, [], iteration=2)
    assert again.train == again.train.model_copy(update={"sha256": later.train.sha256, "rows": later.train.rows})


def pool_of_problems(groups: str) -> tuple[Bench, RecipeEntry]:
    """A pool of one problem for each letter, which names its group, and the wish to take as many."""
    rows = [{"id": f"r{row}", "given": f"Problem {row}?", "wanted": str(row), "group": name, "source": "original",
             "file": "pool", "role": "pool", "line": None, "meta": "{}"} for row, name in enumerate(groups)]  # fmt: skip
    pool = with_keys(pl.DataFrame(rows)).select(list(SCHEMA)).cast(SCHEMA)
    entry = RecipeEntry(
        id="1-imp", improvement_id="imp", iteration=1, kind="select", slice="all rows", rows=len(groups)
    )
    return Bench("generation", pool.clear(), pool.clear(), pool, [], {}, 1), entry


def test_of_near_duplicates_in_the_pool_one_is_taken() -> None:
    bench, entry = pool_of_problems("aaabbc")
    chosen = choose(bench, entry)
    assert sorted(bench.pool.filter(pl.col("id").is_in(chosen))["group"].to_list()) == ["a", "b", "c"]


@pytest.mark.parametrize("taken", ["r0", "r1", "r2"])
def test_a_later_iteration_takes_the_pool_rows_that_were_chosen_before(taken: str) -> None:
    bench, entry = pool_of_problems("abc")
    entry = entry.model_copy(update={"rows": 1, "row_ids": [taken]})
    ((fixed, rows),) = apply_recipe(bench, Recipe(entries=[entry]))
    assert bench.train["id"].to_list() == fixed.row_ids == [taken]
    assert rows == 1


def test_doubted_rows_of_a_confused_pair_are_dropped_and_listed(workplace: Workplace) -> None:
    draw = random.Random(4)
    rows = [(text, "c1" if label == "c0" and draw.random() < 0.4 else label) for text, label in topics(1600, 11)]
    files = {"source": labelled_csv(rows), "validation": labelled_csv(topics(900, 13))}
    first = workplace.optimise(files)
    assert first.label_issues is not None
    assert first.label_issues.flagged > 50
    assert first.label_issues.quarantined == 0
    later = workplace.improve(files, first, [finding("fix", "confused", "c0 → c1")])
    assert later.label_issues is not None
    dropped = _pairs(workplace, first) - _pairs(workplace, later)
    assert later.label_issues.quarantined == later.applied[0].rows == len(dropped) > 10
    assert {label for _, label in dropped} <= {"c0", "c1"}
    assert sum(topic_of(text) != label for text, label in dropped) >= 0.6 * len(dropped)
    assert later.steps[-1].removed == {"doubted label": len(dropped)}
    listed = [entry for entry in workplace.quarantine(later) if entry["reason"] == "doubted label"]
    assert {entry["sample"].partition(" => ")[0] for entry in listed} == {text for text, _ in dropped}


def test_doubted_rows_of_a_label_are_dropped_where_mine_says_that_it_helps(workplace: Workplace) -> None:
    files = {"source": labelled_csv(topics(1200, 12, wrong=0.4)), "validation": labelled_csv(topics(900, 13))}
    first = workplace.optimise(files)
    later = workplace.improve(files, first, [finding("fix", "label", "c2")])
    (applied,) = later.applied
    dropped = _pairs(workplace, first) - _pairs(workplace, later)
    assert len(dropped) == applied.rows > 10
    assert applied.trial is not None
    assert applied.trial.value >= 0
    assert sum(topic_of(text) != label for text, label in dropped) >= 0.7 * len(dropped)


def _pairs(workplace: Workplace, result: OptimizeResult) -> set[tuple[str, str]]:
    return set(workplace.rows(result.train).select("text", "label").iter_rows())


def test_rows_that_came_from_the_pool_are_doubted_too(workplace: Workplace) -> None:
    files = {"source": labelled_csv(topics(700, 12)), "pool": labelled_csv(topics(1500, 14, wrong=0.5))}
    files["validation"] = labelled_csv(topics(900, 13))
    result = workplace.optimise(files)
    assert result.label_issues is not None
    assert result.label_issues.flagged < 10
    everywhere = {"predicate": None, "slice": "all rows"}
    for iteration in (1, 2):
        asked = {**finding("select", "", "", name=f"imp_{iteration}"), **everywhere}
        result = workplace.improve(files, result, [asked], iteration)
    selected = _pairs(workplace, result)
    assert sum(topic_of(text) != label for text, label in selected) > 150
    later = workplace.improve(files, result, [{**finding("fix", "", "", name="imp_3"), **everywhere}], iteration=3)
    assert later.label_issues is not None
    assert later.label_issues.flagged > 100
    dropped = selected - _pairs(workplace, later)
    assert later.label_issues.quarantined == later.applied[0].rows == len(dropped) > 100
    assert sum(topic_of(text) != label for text, label in dropped) >= 0.8 * len(dropped)
    again = workplace.improve(files, later, [], iteration=4)
    assert _pairs(workplace, again) == _pairs(workplace, later)


def test_an_entry_that_did_nothing_is_declined_and_not_asked_again(workplace: Workplace) -> None:
    draw = random.Random(4)
    rows = [(text, "c1" if label == "c0" and draw.random() < 0.4 else label) for text, label in topics(1600, 11)]
    files = {"source": labelled_csv(rows), "validation": labelled_csv(topics(900, 13))}
    first = workplace.optimise(files)
    asked = [finding("fix", "label", "c1", 0.2), finding("fix", "confused", "c0 → c1", name="imp_2")]
    later = workplace.improve(files, first, asked)
    assert [one.id for one in later.applied] == ["imp_1"]
    assert {one.id: one.reason for one in later.declined} == {"imp_2": "no new row came of it"}
    assert [entry["improvementId"] for entry in workplace.json(later.recipe)["entries"]] == ["imp_1"]


def test_doubts_of_a_model_that_knows_too_little_drop_nothing(workplace: Workplace) -> None:
    """With a handful of rows per class nearly every doubt is the doubting model's own error."""
    lines = [f"{text} about{at % 30}{at % 7},c{at % 30}\n" for at, text in enumerate(sentences(360, 61))]
    files = {"source": ("text,label\n" + "".join(lines)).encode()}
    first = workplace.optimise(files)
    assert first.label_issues is not None
    assert first.label_issues.flagged > 20
    later = workplace.improve(files, first, [{**finding("fix", "", ""), "predicate": None, "slice": "all rows"}])
    assert later.train.rows == first.train.rows


def test_the_format_finding_rewrites_the_answers_that_verify(workplace: Workplace) -> None:
    prose = "".join(
        json.dumps({"question": f"What is said of {text}?", "answer": f"It is said that {text}."}) + "\n"
        for text in sentences(300, 41)
    )
    files = {"source": maths_file(120, 1) + prose.encode()}
    first = workplace.optimise(files)
    assert workplace.rows(first.train)["target"].null_count() == first.train.rows
    later = workplace.improve(files, first, [finding("format", "operation", "+")])
    rewritten = workplace.rows(later.train).filter(pl.col("target").is_not_null())
    assert rewritten.height == later.applied[0].rows > 60
    assert set(rewritten["target"]) == {equation_target(text) for text in rewritten["completion"]}


def test_a_slice_that_fails_again_gets_more_rows_but_not_all_of_them_anew(workplace: Workplace) -> None:
    files = {"source": maths_file(300, 1, "+-*"), "validation": maths_file(140, 2, "+-*+-*/")}
    first = workplace.optimise(files)
    second = workplace.improve(files, first, [finding("generate", "operation", "÷")])
    third = workplace.improve(files, second, [finding("generate", "operation", "÷")], iteration=2)
    assert 0 < third.applied[0].rows < second.applied[0].rows


def test_findings_that_need_people_change_nothing(workplace: Workplace) -> None:
    files = {"source": csv_file(200)}
    first = workplace.optimise(files)
    later = workplace.improve(
        files, first, [finding("collect", "label", "a"), {**finding("none", "label", "b"), "predicate": None}]
    )
    assert later.applied == []
    assert later.train.sha256 == first.train.sha256


def test_what_there_are_no_means_for_is_not_written_down_as_done(workplace: Workplace) -> None:
    files = {"source": csv_file(200)}
    first = workplace.optimise(files)
    assert first.label_issues is not None
    assert first.label_issues.flagged == 0
    later = workplace.improve(
        files, first, [finding("select", "label", "a"), finding("fix", "label", "a", name="imp_2")]
    )
    assert later.applied == []
    assert {one.id: one.reason for one in later.declined} == {
        "imp_1": "the task has no pool",
        "imp_2": "no training row of this slice has a doubtful label",
    }
    assert workplace.json(later.recipe)["entries"] == []


def test_findings_about_all_rows_are_acted_on_or_declined_with_the_reason(workplace: Workplace) -> None:
    everywhere = {"predicate": None, "slice": "all rows"}
    files = {"source": csv_file(300), "pool": csv_file(200, 9)}
    first = workplace.optimise(files)
    kinds = ("select", "augment", "fix", "replay", "collect")
    asked = [{**finding(kind, "", "", name=f"imp_{kind}"), **everywhere} for kind in kinds]
    later = workplace.improve(files, first, asked)
    assert {one.id for one in later.applied} | {one.id for one in later.declined} == {one["id"] for one in asked}
    assert "select" in {one.kind for one in later.applied if one.rows > 0}
    assert all(one.reason for one in later.declined)

    maths = Workplace(workplace.root / "maths")
    problems = {"source": maths_file(300, 1), "pool": maths_file(100, 3)}
    first = maths.optimise(problems)
    asked = [{**finding(kind, "", "", name=f"imp_{kind}"), **everywhere} for kind in ("generate", "select")]
    later = maths.improve(problems, first, asked)
    assert {one.id for one in later.applied} | {one.id for one in later.declined} == {one["id"] for one in asked}
    assert all(one.rows > 0 for one in later.applied)


def test_files_that_are_no_findings_or_recipe_are_refused() -> None:
    for data in (b"", b"[]", json.dumps({"improvements": [{"id": 1}]}).encode()):
        with pytest.raises(ArtifactChanged):
            Feedback.from_bytes(data)
    with pytest.raises(ArtifactChanged):
        Recipe.from_bytes(b'{"entries": 3}')
    assert Recipe.from_bytes(Recipe().to_bytes()) == Recipe()
