"""One task's bucket in a folder, a way to run whole optimisations on files given as bytes, and makers of such files."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from data_optimizer.job import run
from wlops_common.contracts import ObjectRef, OptimizeRequest, OptimizeResult, SourceFile
from wlops_common.testing import DirectoryObjectStore, job_context

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass
class Workplace:
    """One task's bucket; ``optimise`` runs an iteration on it."""

    root: Path
    #: What the service's settings would tell the jobs.
    extras: dict[str, str] = field(default_factory=dict)
    store: DirectoryObjectStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = DirectoryObjectStore(self.root / "bucket")

    def request(self, files: Mapping[str, bytes], iteration: int = 0, **options: Any) -> OptimizeRequest:
        sources = {}
        for name, data in files.items():
            ref = self.store.put(f"datasets/1/{name}/raw", data)
            given = options.pop(name, {})
            sources[name] = SourceFile(dataset_id=name, key=ref.key, sha256=ref.sha256, **given)
        return OptimizeRequest(
            job_key=f"task_1/{iteration}/optimization/0",
            task_id="task_1",
            iteration=iteration,
            segment=0,
            seed=options.pop("seed", 7),
            output_prefix=f"optimized/d{iteration}/",
            sealed_prefix="evaluations/task_1/sealed/",
            **sources,
            **options,
        )

    def optimise(self, files: Mapping[str, bytes], iteration: int = 0, **options: Any) -> OptimizeResult:
        request = self.request(files, iteration, **options)
        return run(job_context(self.root, request, store=self.store, extras=self.extras), request)

    def improve(
        self,
        files: Mapping[str, bytes],
        before: OptimizeResult,
        findings: list[dict[str, Any]],
        iteration: int = 1,
        **options: Any,
    ) -> OptimizeResult:
        """The next iteration, acting on these findings."""
        feedback = self.store.put(f"evaluations/{iteration}.json", json.dumps({"improvements": findings}).encode())
        return self.optimise(files, iteration, split=before.split, recipe=before.recipe, feedback=feedback, **options)

    def rows(self, ref: ObjectRef | None) -> pl.DataFrame:
        assert ref is not None
        return pl.read_parquet(io.BytesIO(self.store.read(ObjectRef(key=ref.key, sha256=ref.sha256))))

    def json(self, ref: ObjectRef) -> Any:
        return json.loads(self.store.read(ref))

    def file(self, result: OptimizeResult, name: str) -> bytes:
        """A file of the result by its name in the manifest."""
        for entry in self.json(result.manifest)["files"]:
            if entry["name"] == name:
                return self.store.read(ObjectRef(key=entry["key"], sha256=entry["sha256"]))
        raise AssertionError(f"the manifest lists no {name}")

    def quarantine(self, result: OptimizeResult) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file(result, "quarantine.jsonl").splitlines()]


_SUBJECTS = ["card", "parcel", "invoice", "account", "order", "voucher", "password", "address", "refund", "courier"]
_VERBS = ["lost", "broke", "changed", "missed", "wanted", "needed", "forgot", "returned", "paid", "found"]
_PLACES = ["home", "work", "Berlin", "Paris", "London", "school", "holiday", "office", "shop", "station"]


def sentences(count: int, seed: int) -> list[str]:
    """Different sentences, none nearly another."""
    rng = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        words = [
            rng.choice(_SUBJECTS),
            rng.choice(_VERBS),
            rng.choice(_PLACES),
            rng.choice(_SUBJECTS),
            rng.choice(_VERBS),
        ]
        made[f"my {' '.join(words)} number {rng.randrange(10**6)} please tell {rng.choice(_PLACES)}"] = None
    return list(made)


def csv_file(count: int = 200, seed: int = 1, labels: tuple[str, ...] = ("a", "b", "c")) -> bytes:
    """A clean CSV with header, the label depending on the second word."""
    lines = [f"{text},{labels[_SUBJECTS.index(text.split()[1]) % len(labels)]}" for text in sentences(count, seed)]
    return ("text,label\n" + "\n".join(lines) + "\n").encode()


def topics(count: int, seed: int, wrong: float = 0.0) -> list[tuple[str, str]]:
    """Texts of two or three words from the fifty of their topic, `w7of2`, often one of another, and some that say nothing; the label is
    the topic of the first word, `c2`, or wrong.

    It takes many rows to learn, so that more rows and better labels show, and some rows are harder than others, as in real data.
    """
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        topic = draw.randrange(4)
        words = [f"w{draw.randrange(50)}of{topic}" for _ in range(draw.choice((2, 3)))]
        words += [f"w{draw.randrange(50)}of{draw.randrange(4)}"] if draw.random() < 0.6 else []
        words += [f"filler{draw.randrange(30)}" for _ in range(6 - len(words))]
        label = draw.randrange(4) if draw.random() < wrong else topic
        # Makes the text one of its kind, and tells nothing of the file it is in.
        mark = (seed * 7919 + number) * 2654435761 % 10**9
        rows.append((f"{' '.join(words)} {mark}", f"c{label}"))
    return rows


def topic_of(text: str) -> str:
    """The right label of a text of ``topics``."""
    return f"c{text.split(maxsplit=1)[0].partition('of')[2]}"


def labelled_csv(rows: list[tuple[str, str]]) -> bytes:
    """A CSV with header of these texts and labels."""
    return ("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)).encode()


def maths_file(count: int, seed: int, signs: str = "+-*") -> bytes:
    """Clean JSON Lines of one-step problems with worked answers."""
    rng = random.Random(seed)
    lines = []
    for index in range(count):
        sign = signs[index % len(signs)]
        b, c = rng.randint(3, 19), rng.randint(11, 99)
        a = {"+": c + 13, "-": b + c, "*": c, "/": b * c}[sign]
        result = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[sign]
        verb = {"+": "gets", "-": "gives away", "*": "makes daily for days", "/": "shares among friends"}[sign]
        name = rng.choice(("Ann", "Bob", "Cy", "Dora", "Eve", "Finn"))
        thing = rng.choice(("beads", "cards", "coins", "stamps", "eggs"))
        question = f"{name} has {a} {thing} and {verb} {b}. How many {thing} are there for {name} in the end?"
        lines.append(
            json.dumps(
                {"question": question, "answer": f"{a}{sign}{b}=<<{a}{sign}{b}={result}>>{result}\n#### {result}"}
            )
        )
    return ("\n".join(lines) + "\n").encode()
