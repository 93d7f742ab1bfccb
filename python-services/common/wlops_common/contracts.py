"""What crosses the wire between the worker and the services: the Python side of ``src/contracts/jobs.ts``.

Field meanings are in ``docs/job-protocol.md``. JSON is camelCase, attributes are snake_case; unknown fields are refused, so that
the two sides cannot drift apart unseen. Golden examples in ``src/contracts/examples`` are parsed by the tests of both languages.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

TaskType = Literal["classification", "generation"]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled", "paused"]
JobPhase = Literal["optimization", "training", "evaluation", "final"]
ImprovementKind = Literal["select", "fix", "generate", "augment", "format", "replay", "collect", "none"]

_KEY = r"^(?!.*(?:^|/)\.{1,2}(?:/|\Z))(?!.*//)[A-Za-z0-9_][A-Za-z0-9_./=-]{0,900}"

#: A key in the bucket. Never a URL, never a local path, no way upwards.
ObjectKey = Annotated[str, StringConstraints(pattern=_KEY + r"\Z")]
Prefix = Annotated[str, StringConstraints(pattern=_KEY + r"/\Z")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\Z")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,80}\Z")]
JobKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,80}/[0-9]{1,6}/(optimization|training|evaluation|final)/[0-9]{1,6}\Z"),
]


class Message(BaseModel):
    """Base of all messages: camelCase on the wire, immutable, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
        regex_engine="python-re",  # the default engine has no look-ahead, which the key patterns need
    )

    def to_json(self) -> dict[str, Any]:
        """The message as a JSON-ready dict with camelCase keys."""
        return self.model_dump(mode="json", by_alias=True)


class ObjectRef(Message):
    """An object in the bucket, by key, with the digest the reader must find."""

    key: ObjectKey
    sha256: Sha256


class RowsRef(ObjectRef):
    """Rows of one split role, as Parquet."""

    rows: int = Field(ge=0)


class SourceFile(Message):
    """An uploaded file as the user gave it; ``format`` and ``columns`` are None where they are to be detected."""

    dataset_id: Identifier
    key: ObjectKey
    sha256: Sha256
    format: Literal["csv", "tsv", "jsonl", "parquet"] | None = None
    columns: dict[str, str | int] | None = None


class JobRequest(Message):
    """Fields every job request carries."""

    job_key: JobKey
    task_id: Identifier
    iteration: int = Field(ge=0)
    segment: int = Field(ge=0)
    seed: int = Field(ge=0, le=2**31 - 1)
    output_prefix: Prefix


class Operators(Message):
    """Operators of the optimizer that are off unless asked for."""

    #: E-mail and IP addresses, phone numbers and links of all texts become ``<e-mail>``, ``<ip>``, ``<phone>``, ``<link>``.
    mask_personal_data: bool = False
    #: Caps on training rows; None is no cap.
    max_rows_per_class: int | None = Field(default=None, ge=1)
    max_rows_per_group: int | None = Field(default=None, ge=1)


class OptimizeRequest(JobRequest):
    """Make the training rows of one iteration."""

    source: SourceFile
    validation: SourceFile | None = None
    test: SourceFile | None = None
    pool: SourceFile | None = None
    task_type: TaskType | None = None
    split: ObjectRef | None = None
    recipe: ObjectRef | None = None
    feedback: ObjectRef | None = None
    operators: Operators | None = None
    #: Recipes of challengers that were built on ``recipe`` and lost to the champion, oldest first.
    rejected: list[ObjectRef] = Field(default_factory=list)
    sealed_prefix: Prefix


class OptimizationStep(Message):
    """One operator: rows in, rows out, and why some did not come out."""

    name: str
    rows_in: int
    rows_out: int
    removed: dict[str, int] = Field(default_factory=dict)
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
    #: What a quick model of the chosen rows loses on ``mine`` without this improvement; None where nothing was tried.
    trial: Uplift | None = None


class DeclinedImprovement(Message):
    """One improvement that was not turned into rows, and why."""

    id: str
    kind: ImprovementKind
    slice: str
    reason: str


class TrialArm(Message):
    """A remedy as a quick model judged it on ``mine``, by its kind; ``control <kind>`` is the random one beside it, of as many rows."""

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
    steps: list[OptimizationStep]
    leakage: LeakageReport
    label_issues: LabelIssueReport | None
    applied: list[AppliedImprovement]
    #: Improvements of the findings that were not applied; empty in iteration 0.
    declined: list[DeclinedImprovement] = Field(default_factory=list)
    #: None where nothing was tried: in iteration 0, and where no quick model can stand in.
    trial: Trial | None = None
    #: Of the iteration that read them, the first; empty in others, and in a result stored before this was told.
    files: list[FileReading] = Field(default_factory=list)
    #: Of the whole job, until its manifest is written; None in a result stored before this was measured.
    seconds: float | None = None


class TrainRequest(JobRequest):
    """Train one model, or continue an earlier segment."""

    model_name: str = Field(min_length=1, max_length=200)
    hyperparameters: dict[str, float | int | str | bool] = Field(default_factory=dict)
    task_type: TaskType
    train: RowsRef
    mine: RowsRef | None = None
    resume_from: ObjectRef | None = None


class TrainResult(Message):
    """What the trainer answers when it is done. Losses are cross-entropies in nats."""

    model: ObjectRef
    model_path: str
    weights_sha256: Sha256
    parameters: int
    steps: int
    epochs: float
    train_loss: float | None
    mine_loss: float | None
    loss_curve: list[tuple[int, float]]
    seconds: float
    #: As it was in the end; half of what was asked for, with twice the accumulation, after memory had run out once.
    batch_size: int | None = None
    accumulation: int | None = None
    out_of_memory_retries: int = 0
    #: Where early stopping ended it, and the step whose weights were kept; None where the last step's were.
    stopped_early: bool = False
    best_step: int | None = None
    #: ``float32``, or ``bfloat16`` where mixed precision was used.
    precision: str | None = None
    device: str | None = None


class ChampionOutcomes(Message):
    """What the champion got right on ``select``, row by row, for a paired comparison."""

    iteration: int
    outcomes: ObjectRef


class EvaluateRequest(JobRequest):
    """Score one model."""

    purpose: Literal["iteration", "final"]
    model: ObjectRef
    task_type: TaskType
    metric: str | None = None
    train: RowsRef | None = None
    mine: RowsRef | None = None
    select: RowsRef | None = None
    test: RowsRef | None = None
    #: The reserve pool, of whose rows the model is asked how sure it is.
    pool: RowsRef | None = None
    #: Where what must stay with the evaluator is written: row by row, what was right. None: it is not kept.
    sealed_prefix: Prefix | None = None
    champion: ChampionOutcomes | None = None


class Score(Message):
    """A score with its 95 % interval. ``unscored`` rows are neither right nor wrong and not among ``samples``."""

    value: float
    low: float
    high: float
    samples: int
    unscored: int


class MetricInfo(Message):
    """The headline metric."""

    name: str
    higher_is_better: bool


class Slice(Message):
    """A part of the rows on which the model errs more than elsewhere."""

    name: str
    support: int
    error_rate: float
    lift: float
    q_value: float


class ErrorRate(Message):
    """How a part of the rows does, whether it stands out or not."""

    name: str
    support: int
    error_rate: float


class Improvement(Message):
    """A typed suggestion. ``gain_bound`` is the most the score can gain: slice share x (its error - the overall error)."""

    id: str
    kind: ImprovementKind
    slice: str
    support: int
    error_rate: float
    lift: float
    gain_bound: float


class Regression(Message):
    """A part of the rows on which the challenger does significantly worse than the champion."""

    name: str
    support: int
    #: Error rates of champion and challenger.
    before: float
    after: float
    q_value: float


class Comparison(Message):
    """Challenger against champion on the same ``select`` rows. ``difference`` is challenger minus champion, in the metric."""

    champion_iteration: int
    samples: int
    difference: float
    low: float
    high: float
    #: McNemar's exact test on rows that one of the two gets right.
    p_value: float
    gained: int
    lost: int
    regressions: list[Regression]
    #: Of the expected calibration error; None where one of them has no confidences.
    calibration_change: float | None


class Contamination(Message):
    """Rows to be scored that stand in the training rows too. They are left out of the score."""

    #: Rows that were checked.
    checked: int
    exact: int
    near: int
    #: None where the task type has no paraphrase check.
    paraphrases: int | None
    excluded: int


class EvaluateResult(Message):
    """What the evaluator answers when it is done."""

    metric: MetricInfo
    role: Literal["select", "test"]
    score: Score
    secondary: dict[str, float]
    report: ObjectRef
    improvements_file: ObjectRef | None
    slices: list[Slice]
    error_rates: list[ErrorRate]
    improvements: list[Improvement]
    bad_cases: int
    seconds: float
    #: Row by row, what was right on ``select``; lies under the sealed prefix. None in a final evaluation.
    outcomes: ObjectRef | None = None
    #: None without a champion to compare with.
    comparison: Comparison | None = None
    #: None where no training rows were given to check against.
    contamination: Contamination | None = None


class JobProgress(Message):
    """What a job is doing now."""

    stage: str
    step: int = 0
    total_steps: int | None = None
    loss: float | None = None
    score: float | None = None
    rate: float | None = None
    eta_seconds: float | None = None


class JobError(Message):
    """Why a job failed. ``details`` holds what helps to mend the input: file line, sample, field."""

    code: str
    message: str
    details: dict[str, Any] | None = None
    retryable: bool


class JobStatus(Message):
    """One job as its service sees it."""

    job_id: str
    job_key: str
    task_id: str
    iteration: int
    phase: JobPhase
    segment: int
    state: JobState
    attempt: int
    progress: JobProgress | None
    result: dict[str, Any] | None
    error: JobError | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    updated_at: str
