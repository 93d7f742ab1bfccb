"""The recipe: what to do to the source rows to get the training rows of an iteration. Cumulative: each iteration adds entries.

A recipe is applied to the source rows of the split, never on top of rows that were optimised before.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, ValidationError

from wlops_common.contracts import DeclinedImprovement, ImprovementKind, Message, ObjectRef
from wlops_common.errors import ArtifactChanged

SYNTHETIC_SHARE = 0.3
#: What rows that a teacher wrote have as their source, and the name of their arm in a trial.
TEACHER = "teacher"


class PredicateSpec(Message):
    """Which rows an entry is about; see ``wlops_ml.features``."""

    feature: str
    value: str


class DraftRow(Message):
    """A row that a teacher wrote: input and output."""

    given: str
    wanted: str


class RecipeEntry(Message):
    """One thing to do. ``rows`` is how many rows it may make at most; ``row_ids`` names the rows it is limited to, if it is."""

    id: str
    #: The evaluator's finding this comes from, and the iteration that took it up.
    improvement_id: str
    iteration: int = Field(ge=0)
    kind: ImprovementKind
    #: The finding's kind where that is another, as of rows that people would have to collect and a teacher wrote.
    finding_kind: ImprovementKind | None = None
    slice: str
    predicate: PredicateSpec | None = None
    rows: int = Field(default=0, ge=0)
    #: Whether rows are taken at random in place of those that the kind aims at: of a control arm, or where that did better.
    random: bool = False
    row_ids: list[str] = Field(default_factory=list)
    #: Rows that a teacher wrote when the entry was made; the same recipe makes the same rows without asking it again.
    drafts: list[DraftRow] = Field(default_factory=list)

    @property
    def told_kind(self) -> ImprovementKind:
        """The kind by which the evaluator knows the finding."""
        return self.finding_kind or self.kind

    @property
    def arm(self) -> str:
        """The arm of a trial that tries it: a teacher's rows are not mixed with others of their kind."""
        return TEACHER if self.drafts else self.kind

    def declined(self, reason: str) -> DeclinedImprovement:
        """Its improvement as not applied."""
        return DeclinedImprovement(id=self.improvement_id, kind=self.told_kind, slice=self.slice, reason=reason)


class Recipe(Message):
    """All entries, oldest first. ``synthetic_share`` caps generated and augmented rows as a share of all training rows.

    In version 1 one entry held a teacher's rows and made the rest of its ``rows`` itself; now that is for an entry of its own beside it.
    """

    version: Literal[1, 2] = 2
    synthetic_share: float = Field(default=SYNTHETIC_SHARE, ge=0, lt=1)
    entries: list[RecipeEntry] = Field(default_factory=list)

    def extended(self, entries: list[RecipeEntry]) -> Recipe:
        """This recipe and, after it, the new entries."""
        return self.model_copy(update={"entries": [*self.entries, *entries]})

    def to_bytes(self) -> bytes:
        """``recipe.json``; the same recipe gives the same bytes."""
        return json.dumps(self.to_json(), ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Recipe:
        """The inverse of ``to_bytes``; a recipe of version 1 is brought to 2. Raises ``ArtifactChanged`` where it is no recipe."""
        try:
            return cls.model_validate_json(data).of_version_2()
        except ValidationError as error:
            raise ArtifactChanged(
                "The recipe cannot be read; it was not written by this version.", detail=str(error)
            ) from error

    def of_version_2(self) -> Recipe:
        """The recipe of version 2 that makes the same rows."""
        if self.version == 2:
            return self
        entries: list[RecipeEntry] = []
        for entry in self.entries:
            if 0 < len(entry.drafts) < entry.rows:
                entries.append(entry.model_copy(update={"id": f"{entry.id}-{TEACHER}"}))
                # The rest under the old name, from which its randomness comes.
                entries.append(entry.model_copy(update={"drafts": []}))
            else:
                entries.append(entry)
        return self.model_copy(update={"version": 2, "entries": entries})


class Finding(Message):
    """One entry of the evaluator's ``improvements.json``; examples are rows of ``mine``."""

    model_config = Message.model_config | {"extra": "ignore"}

    id: str
    kind: ImprovementKind
    slice: str
    support: int = 0
    error_rate: float = 0.0
    lift: float = 0.0
    gain_bound: float = 0.0
    predicate: PredicateSpec | None = None
    examples: list[dict[str, Any]] = Field(default_factory=list)


class Feedback(Message):
    """The evaluator's ``improvements.json``."""

    model_config = Message.model_config | {"extra": "ignore"}

    improvements: list[Finding]
    #: How sure the model is of each row of the pool; None where it was not asked.
    pool_margins: ObjectRef | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> Feedback:
        """Raises ``ArtifactChanged`` where it is no such file."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise ArtifactChanged("The evaluator's findings cannot be read.", detail=str(error)) from error
