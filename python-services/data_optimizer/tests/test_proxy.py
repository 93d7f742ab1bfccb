from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from data_optimizer.feedback import proxy
from data_optimizer.feedback.proxy import ProxyModels
from data_optimizer.feedback.question import Question
from data_optimizer.tests.test_steps import table
from data_optimizer.tests.workplace import Workplace, labelled_csv, topics
from wlops_ml.rows import content_id_column

LABEL = Question("the label", "classification")


def _rows(rows: list[tuple[str, str]]) -> pl.DataFrame:
    made = table(rows)
    return made.with_columns(content_id_column(made["given"], made["wanted"]))


def test_weights_stay_below_their_bound_and_the_commonest_words_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = _rows(topics(600, 1))
    whole = ProxyModels(LABEL, rows)
    monkeypatch.setattr(proxy, "MAX_DOUBLE_WEIGHTS", 4 * 200)
    monkeypatch.setattr(proxy, "MAX_WEIGHTS", 4 * 200)
    bounded = ProxyModels(LABEL, rows)
    one, other = whole.fit(rows, 1), bounded.fit(rows, 1)
    assert one is not None
    assert other is not None
    assert one.model.coef_.shape[1] > 2_000
    assert (other.model.coef_.shape, other.model.coef_.dtype) == ((4, 200), np.float32)
    asked = _rows(topics(300, 2))
    score = other.right(asked, asked["wanted"].to_list()).mean()
    assert score > 0.5


def test_bounds_that_are_not_met_change_nothing_and_small_parts_give_the_same_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, asked = _rows(topics(400, 1)), _rows(topics(300, 2))
    plain = ProxyModels(LABEL, rows).fit(rows, 1)
    monkeypatch.setattr(proxy, "_ROWS_AT_ONCE", 7)
    monkeypatch.setattr(proxy, "_MOST_KEPT", 0)
    pieces = ProxyModels(LABEL, rows).fit(rows, 1)
    assert plain is not None
    assert pieces is not None
    # Texts that are kept and texts that are not, in one part.
    mixed = pl.concat([rows[:20], asked, rows[:20]])
    assert np.array_equal(plain.model.coef_, pieces.model.coef_)
    for one, other in zip(plain.margins(mixed), pieces.margins(mixed), strict=True):
        assert np.allclose(one, other)


def test_the_vocabulary_is_of_as_much_text_as_its_bound_whatever_the_order_of_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = _rows(topics(400, 1))
    monkeypatch.setattr(proxy, "MAX_VOCABULARY_CHARACTERS", 4_000)
    first = ProxyModels(LABEL, rows).fit(rows, 1)
    second = ProxyModels(LABEL, rows.sample(fraction=1, shuffle=True, seed=3)).fit(rows, 1)
    assert first is not None
    assert second is not None
    assert 200 < first.model.coef_.shape[1] < 1_500
    assert np.array_equal(first.model.coef_, second.model.coef_)


def test_of_very_many_rows_two_trainings_share_the_rows_they_have_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "MAX_TRAINING_ROWS", 100)
    rows = _rows(topics(300, 1))
    order = proxy._by_chance(rows.sort("id"), 1)
    sample = set(rows.sort("id")[order[:100]]["id"])
    fewer = rows.sort("id")[5:]
    again = set(fewer[proxy._by_chance(fewer, 1)[:100]]["id"])
    assert len(sample & again) >= 95
    assert set(rows.sort("id")[proxy._by_chance(rows.sort("id"), 2)[:100]]["id"]) != sample
    maker = ProxyModels(LABEL, rows)
    one, other = maker.fit(rows, 1), maker.fit(rows.filter(pl.col("id").is_in(sample)), 1)
    assert one is not None
    assert other is not None
    assert np.array_equal(one.model.coef_, other.model.coef_)


def test_texts_without_a_word_are_read_by_their_signs() -> None:
    rows = _rows([("🙂" * (1 + row % 3) + "🎉" * (row % 7), "good") for row in range(40)] +
                 [("😡" * (1 + row % 3) + "💥" * (row % 7), "bad") for row in range(40)])  # fmt: skip
    model = ProxyModels(LABEL, rows).fit(rows, 1)
    assert model is not None
    assert model.right(_rows([("🙂🙂🎉", "good"), ("😡💥", "bad")]), ["good", "bad"]).tolist() == [1.0, 1.0]


def test_a_few_words_among_many_emoji_do_not_take_their_features() -> None:
    signs = [("🙂" * (1 + row % 3) + "🎉" * (row % 7), "good") for row in range(40)]
    signs += [("😡" * (1 + row % 3) + "💥" * (row % 7), "bad") for row in range(40)]
    spoken = [(f"fine {row}", "good") for row in range(20)]
    model = ProxyModels(LABEL, _rows([*signs, *spoken])).fit(_rows([*signs, *spoken]), 1)
    assert model is not None
    asked = [("🙂🙂🎉", "good"), ("😡💥", "bad"), ("so fine", "good")]
    assert model.right(_rows(asked), [label for _, label in asked]).tolist() == [1.0, 1.0, 1.0]
    # A few emoji among many words change nothing: those are read by words.
    told = ProxyModels(LABEL, _rows([*topics(400, 1), ("🙂", "c1")])).fit(_rows(topics(400, 1)), 1)
    plain = ProxyModels(LABEL, _rows(topics(400, 1))).fit(_rows(topics(400, 1)), 1)
    assert told is not None
    assert plain is not None
    assert told.model.coef_.shape == plain.model.coef_.shape


def test_rows_come_in_an_order_of_chance_that_their_ids_alone_decide() -> None:
    rows = _rows([*topics(2_000, 1), *[("the same", "c1")] * 40])
    order = proxy._by_chance(rows, 3)
    assert sorted(order) == list(range(rows.height))
    turned = rows.reverse()
    assert turned["id"].gather(proxy._by_chance(turned, 3)).to_list() == rows["id"].gather(order).to_list()
    # Copies are spread like others, and two seeds have nothing in common.
    copies = np.flatnonzero(np.isin(order, np.arange(2_000, rows.height)))
    assert 600 < copies.mean() < 1_400
    other = proxy._by_chance(rows, 4)
    assert 350 < len(set(order[:1_000]) & set(other[:1_000])) < 650


def test_a_task_of_emoji_goes_through_an_iteration_with_a_trial(workplace: Workplace) -> None:
    faces = {"good": "🙂😀😄😁🎉", "bad": "😡😠💥😢😭"}
    texts = {
        f"{a}{b}{c}{d}": label
        for label, signs in faces.items() for a in signs for b in signs for c in signs for d in signs[:3]
    }  # fmt: skip
    files = {"source": labelled_csv(list(texts.items()))}
    first = workplace.optimise(files)
    asked = {"id": "i", "kind": "replay", "slice": "all rows", "gainBound": 0.2, "predicate": None}
    later = workplace.improve(files, first, [asked])
    assert later.trial is not None
    assert later.trial.baseline > 0.9
