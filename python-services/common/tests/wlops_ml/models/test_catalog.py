"""Names become models, and hyperparameters are checked against the shared catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from wlops_common.errors import HyperparameterInvalid, ModelTaskMismatch, ModelUnknown
from wlops_ml.models.catalog import catalogue, complete_hyperparameters, describe, known_names, resolve_model
from wlops_ml.models.hyperparameters import complete, describe_range

DOCUMENTED = {"learning_rate": 0.001, "epochs": 10}


@pytest.mark.parametrize("model", catalogue()["models"], ids=lambda model: model["name"])
def test_the_documented_hyperparameters_are_valid_for_every_model(model: dict) -> None:  # type: ignore[type-arg]
    completed = complete_hyperparameters(model["name"], model["taskTypes"][0], DOCUMENTED)
    assert completed["learning_rate"] == 0.001
    assert completed["epochs"] == 10
    assert set(completed) == set(model["hyperparameters"])


def test_every_default_of_the_catalogue_is_within_its_own_range() -> None:
    for model in [*catalogue()["models"], {"name": "unlisted", **catalogue()["unlisted"]}]:
        table = model["hyperparameters"]
        defaults = {name: rule["default"] for name, rule in table.items() if rule["default"] is not None}
        assert complete(defaults, table, model["name"]) == complete({}, table, model["name"])
        for name, rule in table.items():
            assert rule["description"].endswith("."), name
            assert "unit" in rule, name
            if rule["type"] in {"integer", "number"}:
                assert {"minimum", "exclusiveMinimum"} & set(rule), name
                assert "maximum" in rule, name
            elif rule["type"] == "string":
                assert rule["enum"], name
            else:
                assert rule["type"] == "boolean", name


def test_every_hub_model_takes_the_same_hyperparameters_as_unlisted_ones() -> None:
    for model in catalogue()["models"]:
        if model["kind"] == "hub":
            assert model["hyperparameters"] == catalogue()["unlisted"]["hyperparameters"]


def test_an_alias_and_a_hub_id_name_their_hub_model() -> None:
    assert describe("qwen-7b")["hubId"] == "Qwen/Qwen2.5-7B"
    assert describe("llama-3.1-8b")["hubId"] == "meta-llama/Llama-3.1-8B"
    ids = [model["hubId"] for model in catalogue()["models"] if model["kind"] == "hub"]
    assert len(set(ids)) == len(ids)
    assert len(set(known_names())) == len(known_names())
    assert all(describe(hub_id)["hubId"] == hub_id for hub_id in ids)
    assert describe("some-org/some.model-1")["hubId"] == "some-org/some.model-1"


@pytest.mark.parametrize("name", ["gpt-17", "a/b/c", "https://hub/x", "../x", "org/", ""])
def test_a_name_that_means_nothing_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ModelUnknown) as fault:
        resolve_model(name, models_dir=None, offline=True)
    assert fault.value.details is not None
    assert fault.value.details["known"] == known_names()


def test_built_in_models_need_neither_hub_nor_folder() -> None:
    assert resolve_model("builtin:tinygpt", models_dir=None, offline=True)["kind"] == "builtin"


def test_offline_a_hub_model_outside_the_cache_is_unknown_and_the_fault_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ModelUnknown, match=r"Qwen/Qwen2\.5-7B is not in this machine's cache, and the hub may not be asked"
    ):
        resolve_model("qwen-7b", models_dir=None, offline=True)


def test_a_local_folder_is_found_only_below_the_models_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "models" / "mine", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
    (tmp_path / "models" / "link").symlink_to(outside)
    models_dir = tmp_path / "models"
    assert resolve_model("local:mine", models_dir=models_dir, offline=True)["path"] == str(inside)
    for name in ("local:../outside", "local:link", f"local:{outside}", "local:absent", "local:"):
        with pytest.raises(ModelUnknown):
            resolve_model(name, models_dir=models_dir, offline=True)
    with pytest.raises(ModelUnknown, match="WLOPS_MODELS_DIR is not set"):
        resolve_model("local:mine", models_dir=None, offline=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0),
        ("learning_rate", 1.5),
        ("learning_rate", float("nan")),
        ("learning_rate", "0.1"),
        ("learning_rate", True),
        ("epochs", 0),
        ("epochs", 2.5),
        ("epochs", 1001),
        ("fine_tuning", "qlora"),
        ("gradient_checkpointing", 1),
    ],
)
def test_a_value_of_the_wrong_type_or_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(HyperparameterInvalid, match=f"hyperparameters.{name} must be ") as fault:
        complete_hyperparameters("qwen-7b", "generation", {name: value})
    assert fault.value.details is not None
    assert fault.value.details["field"] == f"hyperparameters.{name}"


def test_whole_numbers_may_be_written_with_a_point_and_null_means_the_default() -> None:
    completed = complete_hyperparameters("builtin:tinygpt", "generation", {"epochs": 10.0, "layers": None})
    assert completed["epochs"] == 10
    assert isinstance(completed["epochs"], int)
    assert completed["layers"] == 2


def test_a_model_is_refused_for_a_task_it_cannot_do() -> None:
    with pytest.raises(ModelTaskMismatch, match=r"builtin:classifier does classification, not generation"):
        complete_hyperparameters("builtin:classifier", "generation", {})


def test_ranges_read_as_sentences() -> None:
    assert describe_range({"type": "number", "exclusiveMinimum": 0, "maximum": 1}) == "a number above 0 and at most 1"
    assert describe_range({"type": "string", "enum": ["full", "lora"]}) == "one of full, lora"
    assert describe_range({"type": "boolean"}) == "true or false"
