"""The optimization log: every operator that ran, with what it did, as JSON and as a page."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from data_optimizer.log_page import log_page
from data_optimizer.operators import operator_of
from data_optimizer.tests.workplace import Workplace, csv_file, labelled_csv, maths_file, sentences, topic_of, topics
from wlops_common.contracts import Operators, OptimizeResult, UnknownLabels
from wlops_common.errors import DatasetColumnsUnknown

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>&amp; please tell"


def _steps(workplace: Workplace, result: OptimizeResult) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in workplace.json(result.log)["steps"]}


def test_the_log_names_operator_version_seed_and_input_of_each_run(workplace: Workplace) -> None:
    files = {"source": csv_file(200), "test": csv_file(60, 5)}
    result = workplace.optimise(files, seed=11)
    log = workplace.json(result.log)
    assert log["seed"] == 11
    assert log["inputs"] == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert [step["operator"] for step in log["steps"]] == [
        "parse and quarantine", "parse and quarantine", "normalise", "filter", "near-duplicates", "leakage guard", "split",
        "exact duplicates", "exact duplicates", "near-duplicates", "unknown labels", "label issues",
    ]  # fmt: skip
    assert all(step["version"] >= 1 and step["seconds"] >= 0 and len(step["samples"]) <= 20 for step in log["steps"])
    later = workplace.json(workplace.improve(files, result, []).log)
    assert {"split", "recipe", "feedback"} < set(later["inputs"])


def test_problems_are_verified_rewritten_and_guarded(workplace: Workplace) -> None:
    steps = _steps(workplace, workplace.optimise({"source": maths_file(300, 1)}))
    operators = {step["operator"] for step in steps.values()}
    assert {"verify worked answers", "rewrite as equations", "leakage guard"} <= operators
    targets = steps["equation targets"]
    assert targets["rowsIn"] == targets["rowsOut"] == targets["changed"]


def test_a_step_that_edits_rows_tells_how_many(workplace: Workplace) -> None:
    dirty = b"two  blanks and a  &amp; of the parcel,a\na row with the label in other letters,A\n"
    steps = _steps(workplace, workplace.optimise({"source": csv_file(200) + dirty}))
    assert steps["normalise"]["changed"] == 2
    assert all(step["changed"] == 0 for name, step in steps.items() if name != "normalise")


def test_a_step_of_no_known_operator_is_one_of_its_own() -> None:
    assert (operator_of("a new step").name, operator_of("a new step").version) == ("a new step", 1)


def test_held_out_labels_that_training_lacks_are_counted_and_the_rows_stay(workplace: Workplace) -> None:
    test = csv_file(40, 5) + b"a question about what nobody was taught,unheard-of\n"
    result = workplace.optimise({"source": csv_file(200), "test": test})
    assert workplace.json(result.log)["unknownLabels"] == {"test": {"rows": 1, "labels": 1}}
    assert result.unknown_labels == {"test": UnknownLabels(rows=1, labels=1)}
    assert result.test is not None
    assert result.test.rows == 41


def test_pool_rows_of_labels_that_the_training_file_lacks_are_set_aside_and_told(workplace: Workplace) -> None:
    pool = (
        csv_file(60, 5)
        + b"a question of a new kind,new\nanother of it,new\nan answer put in the wrong place,misplaced\n"
    )
    files = {
        "source": csv_file(200),
        "pool": pool,
        "validation": csv_file(90, 6) + b"nobody was taught this,unheard-of\n",
    }
    result = workplace.optimise(files)
    assert result.pool is not None
    assert set(workplace.rows(result.pool)["label"]) == {"a", "b", "c"}
    assert result.unknown_labels["pool"] == UnknownLabels(rows=3, labels=2)
    # Which role the validation row came to is the split's to say.
    assert sum(counts.rows for role, counts in result.unknown_labels.items() if role != "pool") == 1
    log = workplace.json(result.log)
    assert log["unknownLabels"] == {role: counts.to_json() for role, counts in result.unknown_labels.items()}
    step = _steps(workplace, result)["unknown labels, pool"]
    assert step["removed"] == {"label that the training file does not have": 3}
    assert [sample["sample"] for sample in step["samples"]] == [
        "a question of a new kind => new", "another of it => new", "an answer put in the wrong place => misplaced",
    ]  # fmt: skip
    later = workplace.improve(files, result, [{"id": "imp_1", "kind": "select", "slice": "all rows", "gainBound": 0.2}])
    assert set(workplace.rows(later.train)["label"]) == {"a", "b", "c"}
    assert later.unknown_labels == {}


def test_a_pool_without_a_single_label_of_the_training_file_is_refused(workplace: Workplace) -> None:
    with pytest.raises(DatasetColumnsUnknown, match="No label of this file stands in the training file") as refusal:
        workplace.optimise({"source": csv_file(200), "pool": csv_file(60, 5, ("x", "y", "z"))})
    assert refusal.value.details is not None
    assert refusal.value.details["file"] == "pool"


def test_personal_data_are_masked_only_when_asked_for(workplace: Workplace) -> None:
    data = csv_file(200) + b"write to ann@example.org about the red parcel,a\n"
    plain = workplace.optimise({"source": data})
    assert "personal data" not in _steps(workplace, plain)
    asked = Workplace(workplace.root / "asked")
    result = asked.optimise({"source": data}, operators=Operators(mask_personal_data=True))
    masked = _steps(asked, result)["personal data"]
    assert (masked["rowsIn"], masked["rowsOut"], masked["changed"]) == (201, 201, 1)
    assert next(step.changed for step in result.steps if step.name == "personal data") == 1
    assert 'number">201<td class="number">201<td><td class="number">1<' in asked.file(result, "log.html").decode()
    texts = [text for role in ("train", "mine", "select", "test") for text in asked.rows(getattr(result, role))["text"]]
    assert "write to <e-mail> about the red parcel" in texts
    assert not [text for text in texts if "ann@" in text]


def test_caps_hold_in_every_iteration_and_only_when_asked_for(workplace: Workplace) -> None:
    files, operators = {"source": csv_file(300)}, Operators(max_rows_per_class=30)
    assert "balance" not in _steps(workplace, workplace.optimise(files))
    asked = Workplace(workplace.root / "asked")
    first = asked.optimise(files, operators=operators)
    assert set(asked.rows(first.train)["label"].value_counts()["count"]) == {30}
    feedback = asked.store.put("evaluations/1.json", b'{"improvements": []}')
    # Iterations have seeds of their own; the rows are those of the split's.
    later = asked.optimise(
        files, 1, split=first.split, recipe=first.recipe, feedback=feedback, operators=operators, seed=8
    )
    assert later.train.sha256 == first.train.sha256


def test_caps_hold_for_what_feedback_adds_original_rows_first_and_the_step_tells(workplace: Workplace) -> None:
    files = {"source": labelled_csv(topics(300, 1)), "pool": labelled_csv(topics(400, 2))}
    operators = Operators(max_rows_per_class=52)
    first = workplace.optimise(files, operators=operators)
    counts = dict(workplace.rows(first.train).group_by("label").len().iter_rows())
    assert min(counts.values()) < max(counts.values()) == 52
    asked = [
        {"id": f"imp_{kind}", "kind": kind, "slice": "all rows", "gainBound": 0.2, "predicate": None}
        for kind in ("select", "augment", "replay")
    ]
    feedback = workplace.store.put("evaluations/1.json", json.dumps({"improvements": asked}).encode())
    later = workplace.optimise(files, 1, split=first.split, recipe=first.recipe, feedback=feedback, operators=operators)
    train = workplace.rows(later.train)
    assert max(train["label"].value_counts()["count"]) == 52
    assert set(workplace.rows(first.train)["id"]) <= set(train["id"])
    assert later.applied
    assert sum(one.rows for one in later.applied) == later.train.rows - first.train.rows
    steps = _steps(workplace, later)
    assert steps["balance after feedback"]["rowsIn"] == steps["recipe"]["rowsOut"]
    assert steps["balance after feedback"]["rowsOut"] == later.train.rows


def test_completions_that_are_alike_are_no_class_to_be_capped(workplace: Workplace) -> None:
    lines = [json.dumps({"prompt": f"{text}?", "completion": "yes"}) for text in sentences(300, 1)]
    files, operators = {"source": "\n".join(lines).encode()}, Operators(max_rows_per_class=30)
    first = workplace.optimise(files, operators=operators)
    assert (first.task_type, first.train.rows) == ("generation", 210)
    # Of the rows that feedback adds none go either.
    again = [{"id": "imp_1", "kind": "replay", "slice": "all rows", "gainBound": 0.2, "predicate": None}]
    feedback = workplace.store.put("evaluations/1.json", json.dumps({"improvements": again}).encode())
    later = workplace.optimise(files, 1, split=first.split, recipe=first.recipe, feedback=feedback, operators=operators)
    assert later.train.rows > first.train.rows
    for result in (first, later):
        assert workplace.json(result.log)["maxRowsPerClass"].startswith("not applied: ")
        assert not [step for step in _steps(workplace, result) if step.startswith("balance")]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [
            value or "" for name, value in attrs if name in ("src", "href", "action") or name.startswith("on")
        ]


def test_the_page_shows_the_log_and_hostile_text_on_it_is_inert(workplace: Workplace) -> None:
    data = csv_file(200) + f'"{HOSTILE}",a\n"{HOSTILE}",a\nx,y,{HOSTILE},z\n'.encode()
    result = workplace.optimise({"source": data})
    text = workplace.file(result, "log.html").decode()
    page = _Page()
    page.feed(text)
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert page.links == []
    assert "url(" not in text
    assert "@import" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    for step in workplace.json(result.log)["steps"]:
        assert step["name"] in text
        assert all(reason in text for reason in step["removed"])
    assert "color-scheme:light dark" in text
    assert len(text) < 100_000


@pytest.mark.parametrize("value", [None, 0, 1_234_567, 0.5])
def test_figures_are_readable(value: float | None) -> None:
    step = {
        "name": "n",
        "operator": "o",
        "version": 1,
        "rowsIn": value,
        "rowsOut": 0,
        "removed": {},
        "changed": 0,
        "seconds": 0,
        "samples": [],
    }
    page = log_page({"seed": 1, "inputs": {}, "quarantined": 0, "steps": [step]})
    shown = {None: "–", 0: "0", 1_234_567: "1,234,567", 0.5: "0.5"}[value]
    assert re.search(f'number">{shown}<', page)


def test_every_doubted_label_is_listed_with_its_line_and_the_label_that_was_expected(workplace: Workplace) -> None:
    rows = topics(1200, 12, wrong=0.2)
    result = workplace.optimise({"source": labelled_csv(rows)})
    assert result.label_issues is not None
    listed = [json.loads(line) for line in workplace.file(result, "label-issues.jsonl").splitlines()]
    assert len(listed) == result.label_issues.flagged > 100
    assert [one["margin"] for one in listed] == sorted((one["margin"] for one in listed), reverse=True)
    assert all(rows[one["line"] - 2] == (one["text"], one["label"]) for one in listed)
    assert sum(one["suggested"] == topic_of(one["text"]) for one in listed) > 0.8 * len(listed)


def test_a_masked_task_shows_no_address_in_other_columns_nor_in_rows_set_aside(workplace: Workplace) -> None:
    rows = "".join(
        f'"{text}",{label},"say ""http://x.de/{n}"" to kim{n}@corp.de"\n'
        for n, (text, label) in enumerate(topics(200, 3))
    )
    broken = '"mail me at secret@corp.de","a","b","c","d"\n'
    file = f"text,label,customer\n{rows}{broken}".encode()
    masked = Operators(mask_personal_data=True)
    result = workplace.optimise(
        {"source": file}, operators=masked, source={"columns": {"text": "text", "label": "label"}}
    )
    metas = workplace.rows(result.train)["meta"].to_list()
    assert json.loads(metas[0]) == {"customer": 'say "<link>" to <e-mail>'}
    (entry,) = [one for one in workplace.quarantine(result) if one["step"] == "parse training"]
    assert "<e-mail>" in entry["sample"]
    written = b"".join(
        path.read_bytes()
        for path in (workplace.root / "bucket" / "optimized").rglob("*.*")
        if path.suffix != ".parquet"
    )
    assert b"corp.de" not in written
