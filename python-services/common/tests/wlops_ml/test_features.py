"""Features and the predicates over them."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wlops_ml.features import CLUSTER, CONFUSED, TOLD_BY_TEXTS, Predicate, features, matches, predicates, words

INTENT = {
    "text": "How do I get 20 euros back?",
    "label": "refund",
    "meta": json.dumps({"channel": "app", "urgent": True}),
}
PROBLEM = {
    "prompt": "Tom has 12 boxes of 4 pens and gives 8 away. How many pens are left?",
    "completion": "12 * 4 = <<12*4=48>>48\n48 - 8 = <<48-8=40>>40\n#### 40",
    "answer": "40",
    "meta": "{}",
}


def test_a_classification_row_has_the_documented_features() -> None:
    assert features(INTENT, "classification") == {
        "label": "refund",
        "length": "short",
        "first word": "how",
        "has number": "yes",
        "question": "yes",
        "channel": "app",
        "urgent": "true",
    }


def test_a_generation_row_has_the_documented_features() -> None:
    assert features(PROBLEM, "generation") == {
        "operation": "− ×",
        "steps": "2",
        "numbers": "3",
        "answer": "10 to 99",
        "length": "medium",
        "first word": "tom",
        "question word": "how many",
    }


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        ("3", "below 10"),
        ("0.5", "not whole"),
        ("-3", "negative"),
        ("1,000", "1000 or more"),
        ("999", "100 to 999"),
        ("yes", "words"),
    ],
)
def test_the_size_of_an_answer_is_told_in_words(answer: str, size: str) -> None:
    assert features({"prompt": "p", "completion": answer}, "generation")["answer"] == size


def test_a_row_matches_each_of_its_operations() -> None:
    assert matches(PROBLEM, Predicate("operation", "×"), "generation")
    assert matches(PROBLEM, Predicate("operation", "−"), "generation")
    assert not matches(PROBLEM, Predicate("operation", "÷"), "generation")


def test_a_confused_pair_holds_the_rows_of_both_classes() -> None:
    pair = Predicate("confused", "refund → card → lost")
    assert matches(INTENT, pair, "classification")
    assert matches({"text": "x", "label": "card → lost"}, pair, "classification")
    assert not matches({"text": "x", "label": "lost card"}, pair, "classification")
    assert not matches({"text": "x", "label": ""}, pair, "classification")


def test_a_cluster_holds_the_rows_with_two_of_its_terms() -> None:
    cluster = Predicate("cluster", "euros, back, card")
    assert matches(INTENT, cluster, "classification")
    assert not matches({"text": "My card, my cards", "label": "a"}, cluster, "classification")
    assert matches({"text": "REFUND!", "label": "a"}, Predicate("cluster", "refund"), "classification")


def test_the_users_own_columns_never_replace_an_automatic_feature() -> None:
    meta = json.dumps({"label": "other", "notes": "x" * 61, "nested": {"a": 1}})
    row = {"text": "hello", "label": "greet", "meta": meta}
    assert features(row, "classification")["label"] == "greet"
    assert not {"notes", "nested"} & set(features(row, "classification"))


@pytest.mark.parametrize("meta", [None, "", "not json", "[1]", "3"])
def test_a_row_without_readable_columns_keeps_its_features(meta: str | None) -> None:
    assert features({"text": "hi", "label": "a", "meta": meta}, "classification")["length"] == "short"


def test_a_script_without_spaces_is_counted_by_character() -> None:
    assert words("我的卡丢了 card") == ["我", "的", "卡", "丢", "了", "card"]


def test_a_predicate_survives_json_and_refuses_anything_else() -> None:
    predicate = Predicate("label", "a = b")
    assert Predicate.from_json(json.loads(json.dumps(predicate.to_json()))) == predicate
    assert predicate.name == "label = a = b"
    with pytest.raises(ValueError, match="feature"):
        Predicate.from_json({"feature": "label", "value": 3})


@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(["classification", "generation"]))
def test_a_row_matches_every_predicate_made_from_it(
    given_text: str, wanted: str, task_type: Literal["classification", "generation"]
) -> None:
    row: dict[str, Any] = {"text": given_text, "label": wanted, "prompt": given_text, "completion": wanted}
    assert all(matches(row, predicate, task_type) for predicate in predicates(row, task_type))
    assert all(value != "" for value in features(row, task_type).values())


def test_features_told_by_texts_are_named_apart_from_the_users_own_columns() -> None:
    classified = {"text": "Is 5 enough?", "label": "a", "meta": json.dumps({"steps": 3})}
    solved = {
        "prompt": "How many are 2 and 3?",
        "completion": "2+3=<<2+3=5>>5\n#### 5",
        "meta": json.dumps({"label": "x"}),
    }
    assert set(features(classified, "classification")) == TOLD_BY_TEXTS["classification"] - {CLUSTER, CONFUSED} | {
        "steps"
    }
    assert set(features(solved, "generation")) == TOLD_BY_TEXTS["generation"] - {CLUSTER} | {"label"}
