"""N-grams are stable and language-neutral; a damaged model folder is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from wlops_common.errors import ModelUnavailable
from wlops_ml.models.catalog import complete_hyperparameters
from wlops_ml.models.classifier import ClassifierLearner, Vocabulary
from wlops_ml.models.load import load_model
from wlops_ml.models.ngrams import NgramHasher


def save_small_model(folder: Path) -> None:
    torch.manual_seed(0)
    rows = [{"text": f"{word} number {n}", "label": word} for n in range(5) for word in ("left", "right")]
    ClassifierLearner(rows, [], complete_hyperparameters("builtin:classifier", "classification", {})).save(folder)


def test_hashes_never_change_since_saved_models_depend_on_them() -> None:
    assert NgramHasher(2, 0, 0).hashes("My card").tolist() == [3092500109, 370448595, 2914109081]


def test_case_and_compatibility_forms_do_not_matter_but_order_of_neighbours_does() -> None:
    hasher = NgramHasher(2, 2, 4)
    assert hasher.hashes("ＣＡＲＤ lost").tolist() == hasher.hashes("card LOST").tolist()
    assert set(hasher.hashes("card lost")) != set(hasher.hashes("lost card"))


def test_misspelt_words_share_pieces_with_the_right_ones() -> None:
    hasher = NgramHasher(1, 2, 4)
    right, misspelt, other = (set(hasher.hashes(word).tolist()) for word in ("transfer", "transfre", "balance"))
    assert len(right & misspelt) > 8 > len(right & other)


@pytest.mark.parametrize("text", ["", "   ", "\x00", "你好世界", "x" * 100_000])
def test_any_text_can_be_hashed_and_long_ones_stay_bounded(text: str) -> None:
    assert len(NgramHasher(2, 2, 4).hashes(text)) < 20_000


def test_the_vocabulary_keeps_the_most_frequent_and_weighs_rare_ones_higher() -> None:
    rows = [np.array(row, dtype=np.uint32) for row in ([1, 2, 3], [1, 2], [1, 2, 4], [1])]
    vocabulary = Vocabulary.of(rows, min_count=2, max_features=10)
    assert vocabulary.hashes.tolist() == [1, 2]
    assert vocabulary.idf[1] > vocabulary.idf[0]
    assert Vocabulary.of(rows, min_count=1, max_features=2).hashes.tolist() == [1, 2]
    bags = vocabulary.bags([np.array([1, 1, 2, 9], dtype=np.uint32), np.array([9], dtype=np.uint32)])
    assert bags.starts.tolist() == [0, 2, 2]
    assert np.linalg.norm(bags.weights) == pytest.approx(1)


def test_a_text_of_unknown_words_still_gets_an_answer(tmp_path: Path) -> None:
    save_small_model(tmp_path)
    (prediction,) = load_model(tmp_path).predict([{"text": "@@@@"}])
    assert prediction.text in {"left", "right"}


def test_a_folder_without_configuration_or_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no readable config\.json"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"formatVersion": 99}))
    with pytest.raises(ModelUnavailable, match="format version 99"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"formatVersion": 1, "architecture": "oracle"}))
    with pytest.raises(ModelUnavailable, match="'oracle'"):
        load_model(tmp_path)


def test_damaged_weights_and_a_configuration_that_does_not_fit_them_are_refused(tmp_path: Path) -> None:
    save_small_model(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "labels": ["left"]}))
    with pytest.raises(ModelUnavailable, match="do not fit together"):
        load_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ModelUnavailable, match="not a safetensors file"):
        load_model(tmp_path)
