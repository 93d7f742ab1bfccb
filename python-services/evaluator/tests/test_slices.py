"""Slices: what is planted is found, what is noise is not, and nothing is said twice."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from evaluator.confused_pairs import confused_pairs
from evaluator.feature_table import feature_members, feature_table, observed_members
from evaluator.significance import enrichment_p, q_values
from evaluator.slices import Finding, find_slices
from evaluator.tests.workplace import intents, word_problems
from wlops_ml.features import Predicate, matches

Rows = list[dict[str, Any]]


def with_ids(rows: Rows) -> Rows:
    return [{**row, "id": f"{number:016x}"} for number, row in enumerate(rows)]


def wrong_where(rows: Rows, planted: Predicate | None, inside: float, outside: float, seed: int) -> Any:
    draw = random.Random(seed)
    hit = [planted is not None and matches(row, planted, "generation") for row in rows]
    return np.array([draw.random() < (inside if at else outside) for at in hit])


def slices_of(rows: Rows, wrong: Any, seed: int = 1) -> list[Finding]:
    return find_slices(rows, feature_members(rows, "generation"), wrong, [""] * len(rows), "generation", seed)


@pytest.mark.parametrize("operation", "+−×÷")
@pytest.mark.parametrize(("inside", "outside"), [(1.0, 0.02), (0.9, 0.4), (1.0, 0.6)])
def test_a_planted_slice_is_found_first_whether_errors_are_rare_or_everywhere(
    operation: str, inside: float, outside: float
) -> None:
    rows = with_ids(word_problems(800, 1))
    planted = Predicate("operation", operation)
    found = slices_of(rows, wrong_where(rows, planted, inside, outside, 2))
    assert found[0].predicate == planted
    assert found[0].gain_bound == pytest.approx(0.25 * (found[0].error_rate - _overall(found[0])))
    assert len(found) == 1


def _overall(finding: Finding) -> float:
    return finding.error_rate / finding.lift


def test_pure_noise_yields_slices_no_more_often_than_the_false_discovery_rate_allows() -> None:
    alarms = 0
    for trial in range(40):
        rows = with_ids(word_problems(400, trial))
        alarms += bool(slices_of(rows, wrong_where(rows, None, 0, 0.3, trial), trial))
    assert alarms <= 7  # the rate is at most 0.1: more than 7 of 40 has a probability below 5 %


def test_a_small_slice_is_not_believed() -> None:
    rows = with_ids(word_problems(400, 1))
    wrong = np.zeros(400, dtype=bool)
    wrong[[at for at, row in enumerate(rows) if matches(row, Predicate("operation", "÷"), "generation")][:3]] = True
    assert slices_of(rows, wrong) == []


def test_a_slice_that_another_explains_is_not_repeated() -> None:
    """`channel` and `operation` name the same rows; `broad` holds them among others."""
    rows = with_ids(word_problems(800, 1))
    division = Predicate("operation", "÷")
    for number, row in enumerate(rows):
        planted = matches(row, division, "generation")
        row["meta"] = json.dumps({"channel": "post" if planted else "app", "broad": planted or number % 3 == 0})
    names = [found.predicate.name for found in slices_of(rows, wrong_where(rows, division, 0.9, 0.05, 3))]
    assert names == ["channel = post"]


def test_two_independent_causes_are_both_found() -> None:
    rows = with_ids(word_problems(1200, 1))
    draw = random.Random(4)
    for row in rows:
        row["meta"] = json.dumps({"channel": draw.choice(["post", "app", "desk"])})
    causes = {Predicate("operation", "÷"), Predicate("channel", "post")}
    wrong = np.array(
        [draw.random() < (0.8 if any(matches(row, cause, "generation") for cause in causes) else 0.02) for row in rows]
    )
    assert {found.predicate for found in slices_of(rows, wrong)} == causes


def test_a_topic_no_feature_names_is_found_as_a_cluster_of_words() -> None:
    draw = random.Random(5)
    topic = ["parachute", "altitude", "canopy"]
    rows: Rows = []
    wrong = []
    for number in range(900):
        about_topic = number % 9 == 0
        some = draw.sample(topic, 3) if about_topic else draw.sample(["river", "stone", "cloud", "forest", "meadow"], 3)
        opening = draw.choice(["please", "could", "would", "we"])
        rows.append({"text": f"{opening} discuss {' and '.join(some)}", "label": draw.choice("ab"), "meta": "{}"})
        wrong.append(draw.random() < (0.9 if about_topic else 0.1))
    members = feature_members(rows, "classification")
    found = find_slices(with_ids(rows), members, np.array(wrong), ["x"] * 900, "classification", 1)
    clusters = [one for one in found if one.predicate.feature == "cluster"]
    assert len(clusters) == 1
    assert set(topic) & set(clusters[0].predicate.value.split(", "))
    assert all(matches(rows[at], clusters[0].predicate, "classification") for at in clusters[0].rows)
    assert clusters[0].error_rate > 0.8


def test_words_that_errors_share_by_chance_are_no_cluster() -> None:
    """Clusters are made from errors: on the rows they were made from they would stand out in one trial of five."""
    vocabulary = [
        f"{word}{letter}" for word in ("river", "stone", "cloud", "forest", "lamp") for letter in "abcdefghijkl"
    ]
    alarms = 0
    for trial in range(20):
        draw = random.Random(trial)
        texts = [" ".join(draw.sample(vocabulary, 6)) for _ in range(400)]
        rows = with_ids([{"text": text, "label": draw.choice("ab"), "meta": "{}"} for text in texts])
        wrong = np.array([draw.random() < 0.3 for _ in rows])
        members = feature_members(rows, "classification")
        found = find_slices(rows, members, wrong, ["x"] * 400, "classification", trial)
        alarms += any(one.predicate.feature == "cluster" for one in found)
    assert alarms <= 1


def test_rows_that_are_all_right_or_all_wrong_have_no_slices() -> None:
    rows = with_ids(word_problems(100, 1))
    assert slices_of(rows, np.zeros(100, dtype=bool)) == []
    assert slices_of(rows, np.ones(100, dtype=bool)) == []
    assert slices_of([], np.zeros(0, dtype=bool)) == []


@pytest.mark.parametrize("text", ["", "same words", "\u0000", "1 2 3"])
def test_texts_without_variety_are_no_fault(text: str) -> None:
    rows = with_ids([{"text": text, "label": "ab"[number % 2], "meta": None} for number in range(200)])
    wrong = np.array([number % 2 == 0 and number % 3 == 0 for number in range(200)])
    found = find_slices(rows, feature_members(rows, "classification"), wrong, ["b"] * 200, "classification", 1)
    assert [one.predicate.name for one in found] == ["label = a"]


def test_the_same_seed_finds_the_same_slices_in_the_same_order() -> None:
    rows = with_ids(word_problems(800, 1))
    wrong = wrong_where(rows, Predicate("operation", "÷"), 0.8, 0.3, 2)
    once, twice = slices_of(rows, wrong), slices_of(rows, wrong)
    assert [one.to_slice() for one in once] == [one.to_slice() for one in twice]


@pytest.mark.parametrize("seed", range(5))
def test_only_pairs_confused_beyond_chance_are_named(seed: int) -> None:
    draw = random.Random(seed)
    wanted = [row["label"] for row in intents(2000, 1, classes=10)]
    confusion = {("topic3", "topic4"): 0.5, ("topic8", "topic7"): 0.2}

    def guess(label: str) -> str:
        for (a, b), share in confusion.items():
            if label == a and draw.random() < share:
                return b
        return f"topic{draw.randrange(10)}" if draw.random() < 0.1 else label

    assert confused_pairs(wanted, [guess(label) for label in wanted]) == list(confusion)


def test_errors_at_random_confuse_no_pair() -> None:
    alarms = 0
    for seed in range(40):
        draw = random.Random(seed)
        wanted = [f"c{draw.randrange(20)}" for _ in range(600)]
        guessed = [f"c{draw.randrange(20)}" if draw.random() < 0.3 else label for label in wanted]
        alarms += bool(confused_pairs(wanted, guessed))
    assert alarms <= 8


def test_two_classes_cannot_form_a_confused_pair() -> None:
    assert confused_pairs(["a"] * 50 + ["b"] * 50, ["b"] * 100) == []


def test_the_enrichment_test_is_fishers_exact_test() -> None:
    from scipy.stats import fisher_exact

    table = np.array([[12, 8], [30, 150]])
    assert float(enrichment_p(12, 20, 42, 200)) == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_q_values_are_those_of_benjamini_and_hochberg() -> None:
    # By hand: p sorted .01 .02 .03 .5, times 4/rank, running minimum from the right.
    assert q_values([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.04, 0.04, 0.5, 0.04])
    assert q_values([]).size == 0


def test_every_feature_value_is_measured_also_where_nothing_is_wrong() -> None:
    rows = with_ids(word_problems(400, 1))
    wrong = wrong_where(rows, Predicate("operation", "÷"), 1.0, 0.0, 1)
    table = {entry["name"]: entry for entry in feature_table(feature_members(rows, "generation"), wrong)}
    assert (table["operation = ÷"]["support"], table["operation = ÷"]["errorRate"]) == (100, 1.0)
    assert table["operation = +"]["errorRate"] == table["operation = +"]["low"] == 0.0
    assert 0 < table["operation = +"]["high"] < 0.05
    assert all(entry["support"] >= 5 for entry in table.values())
    assert list(table) == sorted(table)


def test_rows_are_told_apart_by_confidence_and_by_words_the_model_never_read() -> None:
    rows = [{"text": text} for text in ("where is my card", "where is my zebra", "xyzzy plugh", "?!")]
    confidences = np.array([0.99, 0.3, np.nan, 0.5])
    found = observed_members(rows, confidences, [{"text": "Where is my card, where?"}], "classification")
    assert {one.name: members.tolist() for one, members in found.items()} == {
        "confidence = 0.95 or more": [0],
        "confidence = below 0.5": [1],
        "confidence = 0.5 to 0.8": [3],
        "unseen words = none": [0],
        "unseen words = a fifth or more": [1, 2],
    }
    assert observed_members(rows, np.full(4, np.nan), [], "classification") == {}
