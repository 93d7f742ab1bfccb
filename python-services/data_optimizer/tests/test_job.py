from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from data_optimizer import journal
from data_optimizer.job import run
from data_optimizer.tests.banking77 import BANKING77, on_banking77
from data_optimizer.tests.workplace import Workplace, csv_file, maths_file, sentences
from wlops_common.contracts import ObjectRef, OptimizeResult
from wlops_common.errors import ArtifactChanged, DatasetColumnsUnknown, DatasetEmpty, DatasetTooSmall
from wlops_common.job_context import JobInterrupted
from wlops_common.manifest import AlreadyCommitted
from wlops_common.testing import job_context


def _digests(workplace: Workplace, result: OptimizeResult) -> dict[str, str]:
    """Name to digest of every file but the log and its page, which hold times."""
    return {
        entry["name"]: entry["sha256"]
        for entry in workplace.json(result.manifest)["files"]
        if entry["name"] not in ("log.json", "log.html")
    }


def test_labels_that_are_markup_are_labels(workplace: Workplace) -> None:
    """In every row that an iteration hands on, copies and edited rows too."""
    labels = ("<b>", "<unk>", "</p>")
    files = {"source": csv_file(300, labels=labels), "pool": csv_file(100, 9, labels)}
    first = workplace.optimise(files)
    assert first.label_count == 3
    assert first.pool is not None
    assert first.pool.rows == 80
    asked = [{"id": "imp_1", "kind": "augment", "slice": "all rows", "gainBound": 0.2, "predicate": None}]
    later = workplace.improve(files, first, asked)
    made = workplace.rows(later.train)
    assert later.rows_by_source == dict(made["source"].value_counts().iter_rows())
    assert later.rows_by_source["augment"] > 0
    assert first.rows_by_source == {"original": first.train.rows}
    assert set(made["label"]) == set(labels)


@on_banking77
def test_banking77_has_exactly_25_test_rows_in_training_and_loses_no_test_row(workplace: Workplace) -> None:
    result = workplace.optimise(
        {name: (BANKING77 / f"{file}.csv").read_bytes() for name, file in (("source", "train"), ("test", "test"))}
    )
    assert result.leakage.exact_overlaps == 25
    assert result.label_count == 77
    assert result.test is not None
    assert result.test.rows == 3080
    assert sum(step.seconds for step in result.steps) < 60
    keys = {role: set(workplace.rows(getattr(result, role))["group"]) for role in ("train", "mine", "select", "test")}
    assert all(keys[a].isdisjoint(keys[b]) for a in keys for b in keys if a < b)


def test_every_row_of_the_file_is_in_a_role_or_in_the_quarantine(workplace: Workplace) -> None:
    clean = csv_file(300).decode()
    dirty = clean + "a,b,c\n\n,a\n<br/>,b\nno label,\n" + "".join(line + "\n" for line in clean.splitlines()[1:40])
    result = workplace.optimise({"source": dirty.encode()})
    assert result.test is not None
    kept = [workplace.rows(getattr(result, role)) for role in ("train", "mine", "select", "test")]
    lines = [line for rows in kept for line in rows["line"].to_list()]
    gone = [entry["line"] for entry in workplace.quarantine(result)]
    assert sorted(lines + gone) == list(range(2, len(dirty.splitlines()) + 1))
    assert Counter(entry["reason"] for entry in workplace.quarantine(result)) == {
        "3 fields where the file has 2": 1,
        "blank row": 1,
        "empty text": 2,
        "empty label": 1,
        "duplicate": 39,
    }
    assert sum(sum(step.removed.values()) for step in result.steps) == len(gone)


def test_steps_count_on_from_each_other(workplace: Workplace) -> None:
    result = workplace.optimise({"source": csv_file(300), "test": csv_file(60, 2)})
    for step in result.steps:
        assert step.rows_in - sum(step.removed.values()) == step.rows_out


def test_the_same_input_and_seed_give_the_same_bytes_and_another_seed_another_split(workplace: Workplace) -> None:
    files = {"source": maths_file(300, 1), "validation": maths_file(90, 2)}
    first = Workplace(workplace.root / "a").optimise(files)
    again = Workplace(workplace.root / "b").optimise(files)
    other = Workplace(workplace.root / "c").optimise(files, seed=8)
    assert _digests(Workplace(workplace.root / "a"), first) == _digests(Workplace(workplace.root / "b"), again)
    assert other.mine.sha256 != first.mine.sha256


def test_no_text_of_a_sealed_row_stands_below_the_output_prefix(workplace: Workplace) -> None:
    texts = sentences(260, 21)
    training = "text,label\n" + "".join(
        f"{text},{'ab'[index % 2]}\n" for index, text in enumerate([*texts[:200], *texts[195:230]])
    )
    test = "text,label\n" + "".join(f"{text},{'ab'[index % 2]}\n" for index, text in enumerate(texts[180:]))
    result = workplace.optimise({"source": training.encode(), "test": test.encode()})
    sealed = [*workplace.rows(result.select)["text"], *workplace.rows(result.test)["text"]]
    assert len(sealed) > 80
    for path in (workplace.store.root / "optimized").rglob("*"):
        if path.is_file():
            data = (
                pl.read_parquet(path).write_csv()
                if path.suffix == ".parquet" and path.name != "guard.parquet"
                else path.read_bytes().decode("latin-1")
            )
            assert not [text for text in sealed if text in data], path.name


def test_the_manifest_lists_every_file_and_the_result(workplace: Workplace) -> None:
    result = workplace.optimise({"source": csv_file(200), "pool": csv_file(50, 5)})
    manifest = workplace.json(result.manifest)
    assert {entry["name"] for entry in manifest["files"]} == {
        "train.parquet", "mine.parquet", "select.parquet", "test.parquet", "pool.parquet", "source-train.parquet",
        "source-pool.parquet", "guard.parquet", "split.json", "recipe.json", "log.json", "log.html", "quarantine.jsonl",
        "label-issues.jsonl",
    }  # fmt: skip
    written = {
        str(path.relative_to(workplace.store.root)) for path in workplace.store.root.rglob("*") if path.is_file()
    }
    assert {entry["key"] for entry in manifest["files"]} <= written
    assert OptimizeResult.model_validate({**manifest["result"], "manifest": result.manifest.to_json()}) == result
    assert all(entry["key"].startswith("evaluations/task_1/sealed/attempt-1/") == (entry["name"] in ("select.parquet", "test.parquet"))
               for entry in manifest["files"])  # fmt: skip


def test_seconds_are_those_of_the_whole_job_what_is_done_between_the_steps_too(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    put, upload, read = workplace.store.put, workplace.store.upload, workplace.store.read

    def slow_put(key: str, data: bytes, content_type: str = "application/octet-stream") -> ObjectRef:
        now[0] += 1
        return put(key, data, content_type)

    def slow_upload(key: str, path: Path) -> ObjectRef:
        now[0] += 1
        return upload(key, path)

    def slow_read(ref: ObjectRef) -> bytes:
        now[0] += 10
        return read(ref)

    monkeypatch.setattr(journal, "time", SimpleNamespace(monotonic=lambda: now[0]))
    files = {"source": csv_file(200)}
    first_request = workplace.request(files)
    monkeypatch.setattr(workplace.store, "put", slow_put)
    monkeypatch.setattr(workplace.store, "upload", slow_upload)
    monkeypatch.setattr(workplace.store, "read", slow_read)
    context = job_context(workplace.root, first_request, store=workplace.store)
    first = run(context, first_request)
    written = len(workplace.json(first.manifest)["files"])
    assert first.seconds is not None
    assert first.seconds - sum(step.seconds for step in first.steps) == written
    later = workplace.optimise(files, 1, split=first.split, recipe=first.recipe)
    # The split, its three files of rows and indexes, the recipe: all are read between the steps.
    assert later.seconds is not None
    assert later.seconds - sum(step.seconds for step in later.steps) > 10 * 4


def test_worked_answers_get_targets_and_wrong_ones_are_set_aside(workplace: Workplace) -> None:
    wrong = '{"question": "Ann has 5 and 6 beads. How many?", "answer": "5+6=<<5+6=12>>12\\n#### 12"}\n'
    result = workplace.optimise({"source": maths_file(200, 3) + wrong.encode(), "validation": maths_file(90, 4)})
    assert result.task_type == "generation"
    assert result.leakage.paraphrases is not None
    train = workplace.rows(result.train)
    assert train["target"].null_count() == 0
    assert train["answer"][0] == train["target"][0].rpartition("=")[2]
    assert [entry["reason"] for entry in workplace.quarantine(result) if entry["line"] == 201] == [
        "a step does not hold"
    ]


def test_the_users_own_held_out_files_stay_as_they_are(workplace: Workplace) -> None:
    wrong = '{"question": "Ann has 5 and 6 beads. How many?", "answer": "5+6=<<5+6=12>>12\\n#### 12"}\n'
    given = {"source": maths_file(200, 3), "test": maths_file(30, 4) + wrong.encode()}
    result = workplace.optimise(given)
    assert result.test is not None
    assert result.test.rows == 31
    assert 31 in workplace.rows(result.test)["line"].to_list()


def test_a_gzip_of_crlf_lines_without_header_gives_the_same_rows(workplace: Workplace) -> None:
    plain = csv_file(200)
    other = gzip.compress(plain.split(b"\n", 1)[1].replace(b"\n", b"\r\n"))
    first = Workplace(workplace.root / "a")
    second = Workplace(workplace.root / "b")
    ids = [
        set(place.rows(place.optimise({"source": data}).train)["id"])
        for place, data in ((first, plain), (second, other))
    ]
    assert ids[0] == ids[1]


def test_a_faulty_file_is_named_by_its_role_and_data_set(workplace: Workplace) -> None:
    with pytest.raises(DatasetColumnsUnknown) as refusal:
        workplace.optimise({"source": csv_file(100), "test": b"only\nprose in\nthis file\n"})
    assert refusal.value.details is not None
    assert (refusal.value.details["file"], refusal.value.details["datasetId"]) == ("test", "test")


def test_a_file_without_one_usable_row_is_empty(workplace: Workplace) -> None:
    with pytest.raises(DatasetEmpty, match="line 2: empty label"):
        workplace.optimise(
            {"source": b"text,label\n" + b"hello there,\n" * 50}, source={"columns": {"text": "text", "label": "label"}}
        )


def test_a_training_file_that_is_the_test_file_is_told_where_its_rows_went(workplace: Workplace) -> None:
    both = csv_file()
    with pytest.raises(
        DatasetTooSmall, match=r"training data no rows remain; .*copy of a row in .*test.* \(\d{3}\)"
    ) as refusal:
        workplace.optimise({"source": both, "test": both})
    assert refusal.value.details is not None
    assert sum(refusal.value.details["removed"].values()) == 200


def test_a_file_of_a_few_rows_is_too_small(workplace: Workplace) -> None:
    with pytest.raises(DatasetTooSmall):
        workplace.optimise({"source": csv_file(12)})


def test_a_cancel_stops_at_the_next_step_and_leaves_no_manifest(workplace: Workplace) -> None:
    request = workplace.request({"source": csv_file(200)})
    context = job_context(workplace.root, request, store=workplace.store)
    context.recorder.order = lambda: "cancel" if len(context.recorder.progress) >= 3 else None
    with pytest.raises(JobInterrupted):
        run(context, request)
    assert workplace.store.get("optimized/d0/manifest.json") is None


def test_a_second_attempt_gives_way_to_the_first_ones_result(workplace: Workplace) -> None:
    request = workplace.request({"source": csv_file(200)})
    run(job_context(workplace.root, request, store=workplace.store), request)
    with pytest.raises(AlreadyCommitted):
        run(job_context(workplace.root, request, store=workplace.store, attempt=2), request)


def test_a_later_iteration_without_findings_gives_the_same_rows(workplace: Workplace) -> None:
    files = {"source": csv_file(300), "pool": csv_file(60, 5)}
    first = workplace.optimise(files)
    later = workplace.improve(files, first, [])
    assert (later.train.sha256, later.mine.sha256, later.pool and later.pool.sha256) == (
        first.train.sha256, first.mine.sha256, first.pool and first.pool.sha256,
    )  # fmt: skip
    assert (later.select, later.test, later.split, later.leakage) == (
        first.select,
        first.test,
        first.split,
        first.leakage,
    )


def test_a_later_iteration_never_reads_a_sealed_row(workplace: Workplace) -> None:
    files = {"source": csv_file(300)}
    first = workplace.optimise(files)
    for path in (workplace.store.root / "evaluations").rglob("*.parquet"):
        path.unlink()
    later = workplace.improve(files, first, [])
    assert later.train.sha256 == first.train.sha256


def test_a_changed_split_is_refused(workplace: Workplace) -> None:
    files = {"source": csv_file(200)}
    first = workplace.optimise(files)
    (workplace.store.root / first.split.key).write_bytes(b"{}")
    with pytest.raises(ArtifactChanged):
        workplace.improve(files, first, [])


def test_the_log_tells_what_was_read_and_why_rows_went(workplace: Workplace) -> None:
    result = workplace.optimise({"source": csv_file(200) + b"one,two,three\n"})
    log = workplace.json(result.log)
    assert log["files"]["training"]["columns"] == {"input": ["text"], "output": "label"}
    assert [file.to_json() for file in result.files] == [
        {
            "file": "training",
            "format": "csv",
            "header": True,
            "input": ["text"],
            "output": "label",
            "rows": 201,
            "setAside": 1,
            "notes": ["delimiter ','"],
        }
    ]
    assert log["steps"][0]["samples"] == [
        {
            "step": "parse training",
            "file": "training",
            "line": 202,
            "reason": "3 fields where the file has 2",
            "sample": "one,two,three",
        }
    ]
    assert sum(log["roles"].values()) == 200
