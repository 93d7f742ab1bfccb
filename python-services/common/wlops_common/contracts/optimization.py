"""Messages of the optimizer: what the rows of an iteration are made from, and what was done to them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from wlops_common.contracts.messages import (
    Identifier,
    ImprovementKind,
    JobRequest,
    Message,
    ObjectKey,
    ObjectRef,
    Prefix,
    RowsRef,
    Sha256,
    TaskType,
)


class SourceFile(Message):
    """An uploaded file as the user gave it; ``format`` and ``columns`` are None where they are to be detected."""

    dataset_id: Identifier
    key: ObjectKey
    sha256: Sha256
    format: Literal["csv", "tsv", "jsonl", "parquet"] | None = None
    columns: dict[str, str | int] | None = None


class Operators(Message):
    """What a task asks of the optimizer beyond what it does by itself, or refuses."""

    #: E-mail and IP addresses, phone numbers and links of all texts become ``<e-mail>``, ``<ip>``, ``<phone>``, ``<link>``.
    mask_personal_data: bool = False
    #: Caps on training rows; None is no cap.
    max_rows_per_class: int | None = Field(default=None, ge=1)
    max_rows_per_group: int | None = Field(default=None, ge=1)
    #: Whether a teacher may be shown rows and write some, where the installation has one; it has none by default.
    use_teacher: bool = True


class OptimizeRequest(JobRequest):
    """Make the training rows of one iteration."""

    source: SourceFile
    validation: SourceFile | None = None
    test: SourceFile | None = None
    pool: SourceFile | None = None
    task_type: TaskType | None = None
    #: What the task is scored by; None is the task type's usual one. Rows that it cannot score are refused before training.
    metric: str | None = None
    split: ObjectRef | None = None
    recipe: ObjectRef | None = None
    feedback: ObjectRef | None = None
    operators: Operators | None = None
    #: Recipes of challengers that were built on ``recipe`` and lost to the champion, oldest first.
    rejected: list[ObjectRef] = Field(default_factory=list)
    sealed_prefix: Prefix


class OptimizationStep(Message):
    """One operator: rows in, rows out, why some did not come out, and how many of those that did were edited."""

    name: str
    rows_in: int
    rows_out: int
    removed: dict[str, int] = Field(default_factory=dict)
    #: Rows that came out other than they went in; 0 also in a result stored before this was told.
    changed: int = 0
    seconds: float


class FileReading(Message):
    """How a file of the task was read: what its owner should know to see whether it was read as meant."""

    file: Literal["training", "validation", "test", "pool"]
    format: str
    header: bool
    #: Columns that make the input, joined in this order, and the one of the output; chat turns are in one column for both.
    input: list[str]
    output: str
    #: Rows in the file, and those of them that could not be read.
    rows: int
    set_aside: int
    #: Such as the delimiter and the encoding.
    notes: list[str]


class UnknownLabels(Message):
    """Rows whose label the training side lacks, and how many different labels those are."""

    rows: int
    labels: int


class LeakageReport(Message):
    """Overlap between the training file and the held-out rows, counted before the purge."""

    exact_overlaps: int
    near_overlaps: int
    paraphrases: int | None


class LabelIssueReport(Message):
    """Rows whose label is doubted, and how many of them were taken out of training."""

    flagged: int
    quarantined: int


class Uplift(Message):
    """A paired difference of two shares of right answers, with its 95 % interval."""

    value: float
    low: float
    high: float


class AppliedImprovement(Message):
    """One improvement turned into rows."""

    id: str
    kind: ImprovementKind
    slice: str
    rows: int
    #: The arm of a trial that carries it out: its kind, or ``teacher``; a finding may be carried out by two. None in older results.
    arm: str | None = None
    #: What a quick model of the chosen rows loses on ``mine`` without this improvement; None where nothing was tried.
    trial: Uplift | None = None


class DeclinedImprovement(Message):
    """One improvement that was not turned into rows, and why."""

    id: str
    kind: ImprovementKind
    slice: str
    reason: str


class TrialArm(Message):
    """A remedy as a quick model judged it on ``mine``, by its kind or as ``teacher``; ``control <arm>`` is as many random rows."""

    arm: str
    #: Ids of the improvements it carries out; empty for the control arm.
    improvements: list[str]
    #: Rows added, changed or dropped.
    rows: int
    #: Share of ``mine`` rows that are right, mean over the seeds, and how much that is above the baseline.
    score: float
    uplift: Uplift
    chosen: bool
    reason: str


class Trial(Message):
    """The remedies of an iteration tried by a quick model, before the real model is trained once on what won."""

    #: What the quick model is and what it predicts.
    proxy: str
    seeds: int
    #: Rows of ``mine`` that were judged.
    samples: int
    #: Its score on the rows of the recipe so far.
    baseline: float
    #: Its score on the rows of the chosen arms together.
    chosen: float
    arms: list[TrialArm]


class TeacherReport(Message):
    """What a teacher, if the installation has one, was shown and asked, and what came of it."""

    model: str
    calls: int
    #: Different training rows that were sent to it.
    rows_shown: int
    rows_asked: int
    rows_answered: int
    #: Those of the answered that were usable; the trial decides which of them are taken.
    rows_accepted: int


class OptimizeResult(Message):
    """What the optimizer answers when it is done."""

    manifest: ObjectRef
    task_type: TaskType
    train: RowsRef
    mine: RowsRef
    pool: RowsRef | None
    select: RowsRef
    test: RowsRef | None
    split: ObjectRef
    recipe: ObjectRef
    log: ObjectRef
    label_count: int | None
    #: By role, where there are any: held-out rows, which stay and which no model can get right, and ``pool`` rows, which were set aside.
    #: Of the iteration that read the files, the first; empty in others, for generation, and in a result stored before this was told.
    unknown_labels: dict[Literal["mine", "select", "test", "pool"], UnknownLabels] = Field(default_factory=dict)
    steps: list[OptimizationStep]
    leakage: LeakageReport
    label_issues: LabelIssueReport | None
    #: Training rows by where they come from: ``original`` (the training file), ``select`` (the pool), or who made them: ``generate``,
    #: ``augment``, ``replay``, ``teacher``. What is made shares a cap, so older entries make fewer rows when new ones make some.
    #: Empty in a result stored before this was told.
    rows_by_source: dict[str, int] = Field(default_factory=dict)
    applied: list[AppliedImprovement]
    #: Improvements of the findings that were not applied; empty in iteration 0.
    declined: list[DeclinedImprovement] = Field(default_factory=list)
    #: None where nothing was tried: in iteration 0, and where no quick model can stand in.
    trial: Trial | None = None
    #: None where none was to be asked.
    teacher: TeacherReport | None = None
    #: Of the iteration that read them, the first; empty in others, and in a result stored before this was told.
    files: list[FileReading] = Field(default_factory=list)
    #: Of the whole job, until its manifest is written; None in a result stored before this was measured.
    seconds: float | None = None
