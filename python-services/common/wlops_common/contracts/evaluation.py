"""Messages of the evaluator: which rows a model is scored on, and what was found."""

from __future__ import annotations

from typing import Literal

from wlops_common.contracts.messages import ImprovementKind, JobRequest, Message, ObjectRef, Prefix, RowsRef, TaskType


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


#: Name of the part that is all of the rows.
ALL_ROWS = "all rows"


class ErrorRate(Message):
    """How a part of the rows does, whether it stands out or not."""

    name: str
    support: int
    error_rate: float


class Improvement(Message):
    """A typed suggestion. By ``gain_bound`` the error rate can fall at most: slice share x (its error - the overall error)."""

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
    #: McNemar's exact test on rows that one of the two gets right, also where the metric knows no right and wrong.
    p_value: float
    gained: int
    lost: int
    regressions: list[Regression]
    #: Of the expected calibration error; None where one of them has no confidences, or the metric is the loss.
    calibration_change: float | None


class Contamination(Message):
    """Rows to be scored that stand in the training rows too. They count as wrong."""

    #: Rows that were checked.
    checked: int
    exact: int
    near: int
    #: None where the task type has no paraphrase check.
    paraphrases: int | None
    #: All of them together: excluded from credit.
    excluded: int
    #: How many of those are put down to rows that the loop made: they stand in none of the user's, or a made row rewords them best.
    #: Absent, as what follows, in older results.
    made: int | None = None
    #: Others that training rows tell in other words, as often as chance does. None where the task type has no paraphrase check.
    by_chance: int | None = None


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
    #: Times the service began this job, and so read the rows it scored, at most: an attempt may end before it reads them.
    attempts: int = 1
