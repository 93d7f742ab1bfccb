from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from data_optimizer.steps import leave_one_out
from data_optimizer.steps.label_issues import (
    MAX_CELLS,
    LabelIssue,
    LabelJudgement,
    estimated_noise,
    find_label_issues,
    judge_labels,
)
from data_optimizer.steps.label_noise import doubts, fit_noise
from data_optimizer.steps.leave_one_out import leave_one_out_scores, vectors

_SOUNDS = ["ba", "de", "ki", "lo", "mu", "na", "po", "ri", "so", "tu", "ve", "za"]


def _messages(count: int, classes: int, seed: int, *, own: int = 5, shared: int = 4) -> tuple[list[str], list[str]]:
    """Texts of ``own`` words that speak for the label and ``shared`` that any label has; neighbouring labels share half of theirs."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(_SOUNDS, k=3)) for _ in range(20 * (classes + 4))]
    labels = [f"c{rng.randrange(classes):02}" for _ in range(count)]
    texts = [
        " ".join(
            rng.choices(words[20 * int(label[1:]) : 20 * int(label[1:]) + 30], k=own)
            + rng.choices(words[-60:], k=shared)
        )
        for label in labels
    ]
    return texts, labels


def _evenly_wrong(labels: list[str], share: float, seed: int) -> tuple[list[str], set[int]]:
    rng = random.Random(seed)
    names = sorted(set(labels))
    wrong = set(rng.sample(range(len(labels)), round(share * len(labels))))
    given = [
        rng.choice([name for name in names if name != label]) if row in wrong else label
        for row, label in enumerate(labels)
    ]
    return given, wrong


def _judged(texts: list[str], labels: list[str], seed: int = 7) -> LabelJudgement:
    judgement = judge_labels(texts, labels, seed)
    assert judgement is not None
    return judgement


def _precision_and_recall(issues: list[LabelIssue], wrong: set[int]) -> tuple[float, float]:
    found = {issue.row for issue in issues}
    return len(found & wrong) / len(found), len(found & wrong) / len(wrong)


@pytest.mark.parametrize(("classes", "share"), [(2, 0.2), (4, 0.1), (12, 0.2), (12, 0.4)])
def test_planted_wrong_labels_are_found_and_their_share_is_estimated(classes: int, share: float) -> None:
    texts, labels = _messages(900, classes, 1)
    given, wrong = _evenly_wrong(labels, share, 2)
    judgement = _judged(texts, given)
    precision, recall = _precision_and_recall(judgement.issues, wrong)
    assert precision >= 0.93
    assert recall >= 0.9
    assert judgement.noise == pytest.approx(share, abs=0.03)


def test_labels_that_go_from_each_class_to_a_class_like_it_are_found() -> None:
    texts, labels = _messages(900, 6, 3)
    names = sorted(set(labels))
    after = dict(pairwise([*names, names[0]]))
    wrong = set(random.Random(4).sample(range(900), 180))
    given = [after[label] if row in wrong else label for row, label in enumerate(labels)]
    precision, recall = _precision_and_recall(_judged(texts, given).issues, wrong)
    assert precision >= 0.8
    assert recall >= 0.6


@pytest.mark.parametrize("own", [1, 5])
@pytest.mark.parametrize("classes", [2, 12])
def test_clean_labels_are_hardly_doubted_even_where_they_are_hard_to_tell(classes: int, own: int) -> None:
    texts, labels = _messages(900, classes, 5, own=own)
    judgement = _judged(texts, labels)
    assert len(judgement.issues) <= 0.01 * len(texts)
    assert judgement.noise <= 0.02


def test_labels_without_any_meaning_are_left_alone() -> None:
    """Where nothing can be learnt, nothing can be doubted: every row would be as likely wrong as right."""
    texts, labels = _messages(600, 4, 6)
    random.Random(8).shuffle(labels)
    assert len(_judged(texts, labels).issues) <= 0.02 * len(texts)


@pytest.mark.parametrize(
    "letters",
    [
        "\U0001f600\U0001f525\u2764\U0001f44d\U0001f389",
        "!?#*%&~^@$",
        "0123456789",
        "".join(map(chr, range(0x4E00, 0x5600))),
    ],
)
@pytest.mark.parametrize(("count", "labels"), [(300, "ab"), (1_500, "abc"), (1_500, "aaaaaaaaab")])
def test_texts_of_signs_that_have_nothing_to_do_with_the_labels_are_left_alone(
    letters: str, count: int, labels: str
) -> None:
    rng = random.Random(20)
    texts = ["".join(rng.choices(letters, k=rng.randint(1, 8))) for _ in range(count)]
    assert len(_judged(texts, [rng.choice(labels) for _ in texts]).issues) <= 0.01 * count


def test_signs_that_speak_for_a_label_are_learnt_from_as_words_are() -> None:
    rng = random.Random(21)
    signs = {"glad": "\U0001f600\U0001f525\U0001f44d\U0001f389", "cross": "\U0001f621\U0001f480\U0001f44e\U0001f4a9"}
    right = [rng.choice(sorted(signs)) for _ in range(600)]
    texts = ["".join(rng.choices(signs[label], k=rng.randint(3, 6))) for label in right]
    given, wrong = _evenly_wrong(right, 0.1, 22)
    precision, recall = _precision_and_recall(_judged(texts, given).issues, wrong)
    assert precision >= 0.95
    assert recall >= 0.95


def test_rows_of_a_rare_label_are_not_doubted_for_being_rare() -> None:
    texts, labels = _messages(3_000, 12, 23, own=1)
    rare = ["yes" if label == "c00" and row % 3 == 0 else "no" for row, label in enumerate(labels)]
    assert len(_judged(texts, rare).issues) <= 0.01 * len(texts)


@pytest.mark.parametrize(("count", "positives", "missed"), [(2_000, 0.5, 0.4), (2_000, 0.3, 0.4), (4_000, 0.1, 0.3)])
def test_positives_that_were_missed_are_found(count: int, positives: float, missed: float) -> None:
    """Wrong one way only, which makes one label rarer than it is."""
    rng = random.Random(25)
    own = {"yes": [f"spam{number}" for number in range(60)], "no": [f"ham{number}" for number in range(60)]}
    right = ["yes" if rng.random() < positives else "no" for _ in range(count)]
    shared = [f"w{number}" for number in range(400)]
    texts = [" ".join(rng.choices(shared, k=7) + rng.choices(own[label], k=2)) for label in right]
    wrong = {row for row, label in enumerate(right) if label == "yes" and rng.random() < missed}
    given = ["no" if row in wrong else label for row, label in enumerate(right)]
    precision, recall = _precision_and_recall(_judged(texts, given).issues, wrong)
    assert precision >= 0.65
    assert recall >= 0.95


@pytest.mark.parametrize("rare", [0.3, 0.1])
@pytest.mark.parametrize("own", [1, 2])
def test_a_rare_label_is_hardly_doubted_where_it_is_right(rare: float, own: int) -> None:
    texts, labels = _messages(2_000, 2, 25, own=own)
    rng = random.Random(26)
    rows = [row for row, label in enumerate(labels) if label == "c00" or rng.random() < rare / (1 - rare)]
    judgement = _judged([texts[row] for row in rows], [labels[row] for row in rows])
    assert len(judgement.issues) <= 0.01 * len(rows)


def test_what_is_relabelled_is_surer_than_what_is_dropped() -> None:
    texts, labels = _messages(900, 12, 1)
    given, _ = _evenly_wrong(labels, 0.2, 2)
    by_action: dict[str, list[bool]] = {"drop": [], "relabel": []}
    for issue in _judged(texts, given).issues:
        assert issue.suggested != given[issue.row]
        by_action[issue.action].append(issue.suggested == labels[issue.row])
    right = {action: np.mean(rows) for action, rows in by_action.items()}
    assert right["relabel"] >= 0.9
    assert right["relabel"] > right["drop"]


def test_the_order_of_the_rows_does_not_matter_and_the_same_input_gives_the_same_issues() -> None:
    texts, labels = _messages(500, 5, 9)
    given, _ = _evenly_wrong(labels, 0.2, 10)
    texts += texts[:20]
    given += given[:10] + ["c00"] * 10
    first = _judged(texts, given)
    assert _judged(texts, given) == first
    order = random.Random(11).sample(range(len(texts)), len(texts))
    shuffled = _judged([texts[row] for row in order], [given[row] for row in order])
    as_rows = [(texts[one.row], given[one.row], one.suggested, one.margin, one.action) for one in first.issues]
    again = [
        (texts[order[one.row]], given[order[one.row]], one.suggested, one.margin, one.action) for one in shuffled.issues
    ]
    assert Counter(again) == Counter(as_rows)
    assert shuffled.noise == first.noise


def test_rows_of_a_class_of_two_are_not_doubted() -> None:
    texts, labels = _messages(400, 3, 12)
    labels[5] = labels[6] = "rare"
    assert not {5, 6} & {issue.row for issue in _judged(texts, labels).issues}


def test_languages_without_spaces_and_labels_of_any_script_work() -> None:
    rng = random.Random(13)
    signs = {"好评 👍": "优良美快满赞佳喜", "差评": "坏慢差脏破贵吵旧", "घटिया": "नमकपानीदूरघर"}
    right = [rng.choice(sorted(signs)) for _ in range(600)]
    texts = ["".join(rng.choices(signs[label], k=4) + rng.choices("的是了在有这个我们他", k=6)) for label in right]
    given, wrong = _evenly_wrong(right, 0.15, 14)
    issues = _judged(texts, given).issues
    precision, recall = _precision_and_recall(issues, wrong)
    assert precision >= 0.9
    assert recall >= 0.9
    assert {issue.suggested for issue in issues} <= set(signs)


def test_texts_without_words_are_judged_with_the_rest() -> None:
    texts, labels = _messages(200, 3, 15)
    texts[:3] = ["", "   ", "\U0001f600"]
    assert not {0, 1, 2} & {issue.row for issue in _judged(texts, labels).issues}


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        ([], []),
        (["x", "y"], ["a", "b"]),
        (["x"] * 100, ["a"] * 100),
        (["x"] * 100_000, [str(row % (MAX_CELLS // 100_000 + 1)) for row in range(100_000)]),
    ],
    ids=["no rows", "two rows", "one class", "too many rows times classes"],
)
def test_nothing_is_judged_where_there_is_too_little_or_too_much(texts: list[str], labels: list[str]) -> None:
    assert find_label_issues(texts, labels, 7) is None
    assert estimated_noise(texts, labels, 7) is None


def test_leaving_out_in_closed_form_is_the_same_as_fitting_without_the_row() -> None:
    """With every row a landmark, against a kernel ridge regression solved again for each left-out row."""
    texts, labels = _messages(80, 3, 16)
    codes = np.unique(labels, return_inverse=True)[1]
    scores = leave_one_out_scores(texts, codes, 3, 7)
    features = vectors(texts).toarray().astype(np.float64)
    kernel = features @ features.T
    targets = np.eye(3)[codes] - np.bincount(codes) / len(codes)
    system = kernel.T @ kernel + leave_one_out._PENALTY * (kernel + leave_one_out._JITTER * np.eye(80))
    for row in range(80):
        others = np.arange(80) != row
        without = system - np.outer(kernel[row], kernel[row])
        weights = np.linalg.solve(without, kernel[others].T @ targets[others])
        assert scores[row] == pytest.approx(kernel[row] @ weights, abs=2e-4)


def test_blocks_computed_anew_and_few_landmarks_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = _messages(900, 4, 17)
    given, wrong = _evenly_wrong(labels, 0.2, 18)
    whole = _judged(texts, given)
    monkeypatch.setattr(leave_one_out, "_BLOCK_ROWS", 128)
    monkeypatch.setattr(leave_one_out, "_KEPT_BYTES", 0)
    in_blocks = _judged(texts, given)
    assert [issue.row for issue in in_blocks.issues] == [issue.row for issue in whole.issues]
    monkeypatch.setattr(leave_one_out, "_MOST_LANDMARKS", 300)
    monkeypatch.setattr(leave_one_out, "_FEWEST_LANDMARKS", 300)
    precision, recall = _precision_and_recall(_judged(texts, given).issues, wrong)
    assert precision >= 0.75
    assert recall >= 0.75


def _confident_learning(probabilities: npt.NDArray[np.float64], given: npt.NDArray[np.int64]) -> set[int]:
    """Plain confident learning (Northcutt et al. 2021): off the diagonal of the confident joint."""
    classes = range(probabilities.shape[1])
    threshold = [probabilities[given == one, one].mean() for one in classes]
    found = set()
    for row, label in enumerate(given):
        confident = [one for one in classes if probabilities[row, one] >= threshold[one]]
        if confident and max(confident, key=lambda one: probabilities[row, one]) != label:
            found.add(row)
    return found


def test_on_the_same_probabilities_the_noise_model_finds_more_surely_what_confident_learning_finds() -> None:
    """Calibrated probabilities of rows that overlap; a fifth of the labels wrong, then none."""
    rng = np.random.default_rng(19)
    probabilities = rng.dirichlet([0.15] * 5, size=4_000)
    right = np.array([rng.choice(5, p=row) for row in probabilities])
    wrong = rng.random(4_000) < 0.2
    given = np.where(wrong, (right + rng.integers(1, 5, 4_000)) % 5, right)
    scores = np.log(np.maximum(probabilities, 1e-9)).astype(np.float32)

    def found(labels: npt.NDArray[np.int64]) -> tuple[set[int], set[int], float]:
        model = fit_noise(scores, labels)
        return set(doubts(model, scores, labels)[0].tolist()), _confident_learning(probabilities, labels), model.noise

    ours, reference, noise = found(given)
    planted = set(np.flatnonzero(wrong).tolist())
    assert noise == pytest.approx(0.2, abs=0.02)
    assert len(ours & planted) / len(ours) > len(reference & planted) / len(reference)
    assert len(ours & reference) >= 0.8 * len(ours)
    ours, reference, noise = found(right)
    assert noise <= 0.01
    assert len(ours) < 0.1 * len(reference)


def test_looking_for_label_issues_can_be_ended_in_its_midst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave_one_out, "_BLOCK_ROWS", 20)
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise InterruptedError

    texts = [f"word{row % 2} number {row}" for row in range(100)]
    with pytest.raises(InterruptedError):
        find_label_issues(texts, [f"c{row % 2}" for row in range(100)], 1, check)
