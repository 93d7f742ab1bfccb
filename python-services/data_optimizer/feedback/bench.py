"""What an entry of the recipe works on: the training rows so far, the mine rows it may learn from, and the checks on new rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from data_optimizer.feedback.proxy import ProxyModels
from data_optimizer.guard import GuardIndex
from data_optimizer.recipe import PredicateSpec, RecipeEntry
from data_optimizer.steps.balance import capped
from data_optimizer.working_rows import SCHEMA, with_keys
from wlops_common.contracts import Operators, TaskType
from wlops_ml import features
from wlops_ml.features import Predicate
from wlops_ml.rows import content_id, input_column, output_column
from wlops_ml.text import clean_label, clean_lines, clean_text

#: Below so many training rows edited copies are worth a try (EDA, Wei and Zou 2019); above they do little or harm.
SMALL_TRAINING_ROWS = 3_000

#: A new row before it is accepted: input, output and the group of the row it was made from.
Draft = tuple[str, str, str]


@dataclass
class Bench:
    """The state that entries are applied to, one after the other. ``train`` grows and shrinks; the others stay."""

    task_type: TaskType
    train: pl.DataFrame
    mine: pl.DataFrame
    pool: pl.DataFrame
    #: Hashes of the sealed rows and of ``mine``: no new row may be one of those.
    guards: list[GuardIndex]
    #: Row id -> label that confident learning expects instead.
    suspects: Mapping[str, str]
    seed: int
    #: Quick models of this task; None where no question can be asked of its rows.
    proxies: ProxyModels | None = None
    #: Whether the user gave a pool, also when all of its rows are taken.
    has_pool: bool = False
    #: What the champion says of the pool: row id -> its margin between the two likeliest labels, and the likeliest. Empty where not asked.
    margins: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    #: Of which the caps are kept after every entry too.
    operators: Operators = field(default_factory=Operators)
    refused: int = 0
    #: The rows that entries added beyond a cap and that were taken out again, with the reason.
    beyond_caps: list[pl.DataFrame] = field(default_factory=list, init=False)
    _taken_ids: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._taken_ids.update(self.train["id"].to_list(), self.mine["id"].to_list(), self.pool["id"].to_list())

    def copy(self) -> Bench:
        """A bench in the same state, to try something on."""
        return replace(self)

    def ranks_pool(self) -> bool:
        """Whether there is a model to ask of which pool rows it is least sure, whatever slice they are of."""
        return bool(self.margins) or self.proxies is not None

    def originals(self) -> pl.DataFrame:
        """The training rows that nothing was done to."""
        return self.train.filter(pl.col("source").is_in(["original", "select"]))

    def wordings(self) -> pl.DataFrame:
        """The half of the ``mine`` rows whose wording new problems may have; none for labelled texts, of which nothing is made from it."""
        return self.mine.filter(self._lends_wording())

    def judged(self) -> pl.DataFrame:
        """The ``mine`` rows that judge a trial: all but those of ``wordings``, which would find their own sentences again."""
        return self.mine.filter(~self._lends_wording())

    def _lends_wording(self) -> pl.Series:
        """By a hash of the group, so that rows of one near-duplicate group are on one side, in every iteration."""
        lends = self.task_type == "generation"
        hashes = [
            hashlib.sha256(f"{self.seed}:wording:{group}".encode()).digest() for group in self.mine["group"].to_list()
        ]
        return pl.Series([lends and one[0] % 2 == 0 for one in hashes], dtype=pl.Boolean)

    def rng(self, entry: RecipeEntry) -> np.random.Generator:
        """Randomness of one entry: the same whatever else the recipe holds."""
        digest = hashlib.sha256(f"{self.seed}:{entry.id}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big"))

    def matching(self, rows: pl.DataFrame, predicate: PredicateSpec | None) -> pl.DataFrame:
        """The rows a predicate names; all of them without a predicate."""
        if predicate is None:
            return rows
        wanted = Predicate(predicate.feature, predicate.value)
        return rows.filter(
            pl.Series([features.matches(view, wanted, self.task_type) for view in self.views(rows)], dtype=pl.Boolean)
        )

    def views(self, rows: pl.DataFrame) -> Iterable[dict[str, Any]]:
        """Rows under the column names of row files, as ``features`` expects them."""
        given, wanted = input_column(self.task_type), output_column(self.task_type)
        for row in rows.iter_rows(named=True):
            yield {**row, given: row["given"], wanted: row["wanted"]}

    def keep_caps(self, new: int) -> int:
        """Take out those of the last ``new`` training rows that are beyond a cap; answers how many."""
        per_class, per_group = self.operators.max_rows_per_class, self.operators.max_rows_per_group
        if new == 0 or (per_class is None and per_group is None):
            return 0
        self.train, beyond = capped(self.train, self.seed, per_class=per_class, per_group=per_group, new=new)
        self.beyond_caps.append(beyond)
        return beyond.height

    def room(self) -> dict[str, int] | None:
        """How many rows each label that has some may still get; None where there is no cap on them."""
        most = self.operators.max_rows_per_class
        if most is None:
            return None
        return {label: most - rows for label, rows in self.train["wanted"].value_counts().iter_rows()}

    def accept(self, drafts: list[Draft], source: str, limit: int) -> int:
        """Add those drafts that are new and no (near) copy of a held-out row, at most ``limit``; answers how many."""
        clean_output = clean_label if self.task_type == "classification" else clean_lines
        cleaned = [(clean_text(given), clean_output(wanted), group) for given, wanted, group in drafts]
        texts = [given for given, _, _ in cleaned]
        refusals = [guard.refuses(texts, self.task_type) for guard in self.guards]
        rows: list[dict[str, str]] = []
        for index, (given, wanted, group) in enumerate(cleaned):
            row_id = content_id(given, wanted)
            if any(refusal[index] for refusal in refusals):
                self.refused += 1
            elif given and row_id not in self._taken_ids and len(rows) < limit:
                self._taken_ids.add(row_id)
                rows.append(
                    {"id": row_id, "given": given, "wanted": wanted, "group": group or row_id, "source": source}
                )
        if rows:
            made = pl.DataFrame(rows).with_columns(
                pl.lit("training").alias("file"),
                pl.lit("train").alias("role"),
                pl.lit(None, dtype=pl.Int64).alias("line"),
                pl.lit("{}").alias("meta"),
            )
            self.train = pl.concat([self.train, with_keys(made).select(list(SCHEMA))])
        return len(rows)
