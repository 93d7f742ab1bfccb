"""``split.json``: the roles of a task's rows as iteration 0 made them, and what later iterations start from."""

from __future__ import annotations

import json

from pydantic import Field, ValidationError

from wlops_common.contracts import LabelIssueReport, LeakageReport, Message, ObjectRef, RowsRef, TaskType
from wlops_common.errors import ArtifactChanged


class Suspect(Message):
    """A source row whose label is doubted, and the label that the model expects."""

    id: str
    given: str
    suggested: str
    margin: float


class FrozenSplit(Message):
    """Everything later iterations need. Of the sealed roles it holds references and hashes only."""

    version: int = 1
    task_type: TaskType
    seed: int
    #: Whether worked answers are the rule, so that rows must verify, and whether completions are rewritten as equations.
    answers_are_worked: bool
    with_targets: bool
    mine: RowsRef
    select: RowsRef
    test: RowsRef
    #: Rows of `train` and `pool` after the purge and before cleaning.
    source_train: RowsRef
    source_pool: RowsRef | None
    guard: ObjectRef
    leakage: LeakageReport
    label_issues: LabelIssueReport | None
    suspects: list[Suspect] = Field(default_factory=list)

    def to_bytes(self) -> bytes:
        """``split.json``; the same split gives the same bytes."""
        return json.dumps(self.to_json(), ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> FrozenSplit:
        """The inverse of ``to_bytes``. Raises ``ArtifactChanged`` where it is no split."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise ArtifactChanged(
                "The split cannot be read; it was not written by this version.", detail=str(error)
            ) from error
