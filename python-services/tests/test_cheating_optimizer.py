"""An optimizer that trains on sealed rows, whichever it takes and however it hides them, gains nothing: they count as wrong."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from data_optimizer.tests.reworded_problems import problems
from evaluator.job import run
from evaluator.tests.test_real_models import saved, train
from evaluator.tests.workplace import KnownPredictor, Workplace, intents
from wlops_common.contracts import ChampionOutcomes, EvaluateResult, ObjectRef, RowsRef
from wlops_common.testing import DirectoryObjectStore, job_context
from wlops_ml.models.catalog import complete_hyperparameters

Row = dict[str, Any]


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path, DirectoryObjectStore(tmp_path / "bucket"))


def solved(prompt: str, answer: int, source: str = "original") -> Row:
    return {"prompt": prompt, "completion": f"#### {answer}", "answer": str(answer), "source": source, "meta": "{}"}


def test_a_model_that_memorised_copied_edited_repeated_and_reworded_problems_gains_nothing(
    workplace: Workplace,
) -> None:
    made = problems(1200, 5, "plain")
    sealed, honest = made[:300], [solved(one.told, one.answer) for one in made[600:]]
    select = workplace.rows("select", [solved(one.told, one.answer) for one in made[300:600]], "generation")
    copied, edited, reworded = sealed[:3], sealed[3:6], sealed[100:106]
    cheat = [
        *(solved(one.told.upper(), one.answer) for one in copied for _ in range(5)),
        *(solved(f"{one.told} Hm", one.answer) for one in edited),
        *(solved(one.reworded, one.answer, "generate") for one in reworded),
    ]
    test = workplace.rows("test", [solved(one.told, one.answer) for one in sealed], "generation")
    known = {one.told: one.answer for one in sealed}
    memorised = {one.told for one in (*copied, *edited, *reworded)}

    def honestly(prompt: str) -> str:
        return f"#### {known[prompt] + len(prompt) % 2}"

    def cheating(prompt: str) -> str:
        return f"#### {known[prompt]}" if prompt in memorised else honestly(prompt)

    def final(name: str, rows: list[Row], answer: Any) -> EvaluateResult:
        ref = workplace.rows(name, rows, "generation")
        request = workplace.request("generation", purpose="final", test=test, train=ref, select=select)
        return workplace.run(request, KnownPredictor("generation", answer))

    plain = final("honest", honest, honestly)
    assert plain.contamination is not None
    assert plain.contamination.excluded == 0  # of 1,200 problems of 40 topics some are alike, by chance
    with_cheat = final("cheat", honest + cheat, cheating)
    found = with_cheat.contamination
    assert found is not None
    assert (found.checked, found.exact, found.near) == (300, 3, 3)
    assert found.paraphrases in range(6, 10)  # those that are alike by chance may not be told from the others
    assert with_cheat.score == final("cheat", honest + cheat, honestly).score
    assert with_cheat.score.samples == 300
    assert with_cheat.score.value < plain.score.value
    report = json.loads(workplace.store.read(with_cheat.report))
    assert report["contamination"]["excluded"] == found.excluded
    told = f"{found.excluded} of 300 test rows stand in the training rows too"
    assert any(told in note and "count as wrong" in note for note in report["notes"])
    assert not [one for one in sealed if one.told in json.dumps(report)]


@pytest.mark.parametrize("trick", ["copied", "edited", "reworded"])
def test_to_train_on_the_problems_that_a_model_gets_wrong_does_not_raise_its_score(
    workplace: Workplace, trick: str
) -> None:
    made = problems(800, 6, "plain")
    sealed, select, rest = made[:200], made[200:400], made[400:]
    known = {one.told: one.answer for one in sealed}
    hard = [one for one in sealed if len(one.told) % 5 == 0][:6]
    hidden = {
        "copied": [one.told for one in hard],
        "edited": [f"{one.told} Hm" for one in hard],
        "reworded": [one.reworded for one in hard],
    }[trick]

    def answer(prompt: str) -> str:
        return f"#### {known[prompt] + (len(prompt) % 5 == 0)}"

    test = workplace.rows("test", [solved(one.told, one.answer) for one in sealed], "generation")
    honest = [solved(one.told, one.answer) for one in rest]
    held = workplace.rows("select", [solved(one.told, one.answer) for one in select], "generation")
    cheat = [solved(text, one.answer) for text, one in zip(hidden, hard, strict=True)]

    def final(name: str, rows: list[Row]) -> EvaluateResult:
        train = workplace.rows(name, rows, "generation")
        request = workplace.request("generation", purpose="final", test=test, train=train, select=held)
        return workplace.run(request, KnownPredictor("generation", answer))

    plain, selective = final("honest", honest), final("cheat", honest + cheat)
    assert plain.contamination is not None
    assert selective.contamination is not None
    assert selective.contamination.excluded - plain.contamination.excluded >= 5
    assert selective.score == plain.score
    assert selective.secondary.pop("loss") > plain.secondary.pop("loss")
    # Calibration is over the rows that were not found: no measure of how good the answers are.
    assert {**selective.secondary, "ece": 0.0} == {**plain.secondary, "ece": 0.0}


@pytest.mark.parametrize("count", [30, 200])
def test_to_reword_rows_that_the_optimizer_reads_as_well_does_not_make_sealed_ones_pass_for_chance(
    workplace: Workplace, count: int
) -> None:
    made = problems(1400, 5, "plain")
    parts = {"test": made[:200], "mine": made[200:400], "select": made[400:600]}
    known = {one.told: one.answer for one in parts["test"]}
    honest = [solved(one.told, one.answer) for one in made[600:]]
    cheat = [solved(one.reworded, one.answer, "generate") for part in ("test", "mine") for one in parts[part][:count]]
    remembered = {one.told for one in parts["test"][:count]}
    held_out = {
        role: workplace.rows(role, [solved(one.told, one.answer) for one in part], "generation")
        for role, part in parts.items()
    }

    def final(name: str, rows: list[Row], remembered: set[str]) -> EvaluateResult:
        def answer(prompt: str) -> str:
            return f"#### {known[prompt] + (0 if prompt in remembered else len(prompt) % 2)}"

        train = workplace.rows(name, rows, "generation")
        request = workplace.request("generation", purpose="final", train=train, **held_out)
        return workplace.run(request, KnownPredictor("generation", answer))

    plain, cheating = final("honest", honest, set()), final("cheat", honest + cheat, remembered)
    assert cheating.score.value < plain.score.value
    assert cheating.contamination is not None
    assert cheating.contamination.excluded >= 0.85 * count


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "loss"])
def test_to_train_on_the_texts_that_a_model_gets_wrong_makes_no_challenger_better(
    workplace: Workplace, metric: str
) -> None:
    held_out, honest = intents(400, 1), intents(200, 2)
    labels = [f"topic{number}" for number in range(8)]
    hard = [row for row in held_out if row["label"] == "topic3"][:20]

    def answer(text: str) -> str:
        return "topic4" if "topic3" in text else text.split()[1]

    refs = {"select": workplace.rows("select", held_out, "classification")}

    def scored(name: str, rows: list[Row], model: Any, champion: ChampionOutcomes | None = None) -> EvaluateResult:
        train = workplace.rows(name, rows, "classification")
        fields = {"sealed_prefix": "evaluations/t/sealed/", "metric": metric, "train": train, "champion": champion}
        request = workplace.request("classification", **refs, **fields)
        return workplace.run(request, KnownPredictor("classification", model, labels))

    plain = scored("honest", honest, answer)
    assert plain.outcomes is not None
    champion = ChampionOutcomes(iteration=0, outcomes=plain.outcomes)
    selective = scored("cheat", honest + hard, answer, champion)
    assert selective.contamination is not None
    assert (selective.contamination.exact, selective.contamination.excluded) == (20, 20)
    assert selective.comparison is not None
    gain = selective.score.value - plain.score.value
    assert (gain if selective.metric.higher_is_better else -gain) <= 0
    assert selective.score.samples == plain.score.samples == selective.comparison.samples == 400
    assert selective.comparison.difference == pytest.approx(gain, abs=1e-12)
    assert selective.comparison.gained == 0
    for name in ("accuracy", "macro_f1"):
        if name in plain.secondary:
            assert selective.secondary[name] <= plain.secondary[name]
    if "loss" in plain.secondary:
        assert selective.secondary["loss"] > plain.secondary["loss"]
    assert selective.secondary["brier"] > plain.secondary["brier"]


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "loss"])
def test_a_challenger_is_not_better_because_the_champion_was_trained_on_held_out_texts(
    workplace: Workplace, metric: str
) -> None:
    held_out, honest = intents(400, 1), intents(200, 2)
    labels = [f"topic{number}" for number in range(8)]
    select = workplace.rows("select", held_out, "classification")

    def scored(leaked: list[Row], weak: str, champion: EvaluateResult | None = None) -> EvaluateResult:
        def answer(text: str) -> str:
            return "topic4" if weak in text else text.split()[1]

        train = workplace.rows("trained", honest + leaked, "classification")
        fields: dict[str, Any] = {"select": select, "sealed_prefix": "evaluations/t/sealed/", "metric": metric}
        if champion is not None:
            assert champion.outcomes is not None
            fields["champion"] = ChampionOutcomes(iteration=0, outcomes=champion.outcomes)
        request = workplace.request("classification", train=train, **fields)
        return workplace.run(request, KnownPredictor("classification", answer, labels, 0.7))

    clean, contaminated = scored([], "topic3"), scored(held_out[:20], "topic3")
    assert clean.score != contaminated.score
    same = scored([], "topic3", contaminated).comparison
    assert same is not None
    assert (same.difference, same.gained, same.lost, same.p_value, same.samples) == (0.0, 0, 0, 1.0, 400)
    assert same.calibration_change in (0.0, None)
    tainted = scored(held_out[:20], "topic3", clean).comparison
    assert tainted is not None
    assert tainted.calibration_change in (0.0, None)
    # A challenger that is worse on some texts cannot hide it by training on these.
    hidden = [row for row in held_out if row["label"] == "topic5"]
    worse, hiding = (scored(leaked, "topic5", scored([], "topic9")).comparison for leaked in ([], hidden))
    assert worse is not None
    assert hiding is not None
    assert hiding.lost == worse.lost == 50
    assert abs(hiding.difference) >= abs(worse.difference) > 0


def test_a_real_classifier_that_was_trained_on_sealed_rows_gains_nothing_by_them(
    workplace: Workplace, tmp_path: Path
) -> None:
    from wlops_ml.models.classifier import ClassifierLearner

    draw = random.Random(3)
    labels = [f"topic{number}" for number in range(8)]
    # The label does not show in the text, so only memory can gain.
    rows = [{**row, "label": draw.choice(labels)} for row in intents(900, 4)]
    sealed, honest = rows[:400], rows[400:]
    taken, unseen = sealed[:20], sealed[20:]
    cheat = [
        *({**row, "text": f"{row['text']}!"} for row in taken[:10] for _ in range(2)),
        *({**row, "text": f"{row['text']} x", "source": "augment"} for row in taken[10:]),
    ]
    values = {"hidden_size": 32, "dropout": 0.0}
    learner = ClassifierLearner(
        honest + cheat, [], complete_hyperparameters("builtin:classifier", "classification", values)
    )
    train(learner, 150, 0.05)
    model = saved(workplace, learner, tmp_path / "saved")
    trained_on = workplace.rows("cheat", honest + cheat, "classification")
    audited = final_score(workplace, model, sealed, trained_on)
    assert audited.contamination is not None
    assert (audited.contamination.exact, audited.contamination.near) == (10, 10)
    assert final_score(workplace, model, taken, None).score.value > 0.9
    right = final_score(workplace, model, unseen, None).score.value * len(unseen)
    assert audited.score.value * len(sealed) == pytest.approx(right)
    assert audited.score.samples == len(sealed)


def final_score(workplace: Workplace, model: ObjectRef, rows: list[Row], trained_on: RowsRef | None) -> EvaluateResult:
    """The final evaluation of ``rows`` by the model's own files."""
    test = workplace.rows(f"test{len(rows)}", rows, "classification")
    request = workplace.request("classification", purpose="final", model=model, test=test, train=trained_on)
    context = job_context(workplace.path, request, store=workplace.store)
    workplace.contexts.append(context)
    return run(context, request)


def test_where_more_than_a_twentieth_was_trained_on_the_score_stays_a_bound_and_says_that_it_tells_little(
    workplace: Workplace,
) -> None:
    rows = intents(100, 6)
    test = workplace.rows("test", rows, "classification")

    def final(leaked: list[Row]) -> tuple[EvaluateResult, str]:
        train = workplace.rows("leaked", [*leaked, *intents(100, 7)], "classification")
        request = workplace.request("classification", purpose="final", test=test, train=train)
        result = workplace.run(request, KnownPredictor("classification", lambda text: text.split()[1]))
        notes = json.loads(workplace.store.read(result.report))["notes"]
        return result, next(note for note in notes if "stand in the training rows too" in note)

    result, note = final(rows[:5])
    assert result.score.value == 0.95
    assert "little to say" not in note
    assert "the loop made" not in note

    result, note = final(rows[:60])
    assert result.score.value == 0.4
    assert "little to say about the model. Take the test rows out of the training file" in note

    # What the loop made of a user's own row is the user's.
    made = [{**row, "text": f"{row['text']} x", "source": "augment"} for row in rows[:60]]
    result, note = final([*rows[:20], *made])
    assert result.contamination is not None
    assert (result.contamination.excluded, result.contamination.made) == (60, 40)
    assert "Of these, 40 are put down to rows that the loop made" in note
    assert "Its data set's log tells what made those rows" in note
