"""What crosses the wire between the worker and the services: the Python side of ``src/contracts/jobs.ts``.

Field meanings are in ``docs/job-protocol.md``. JSON is camelCase, attributes are snake_case; unknown fields are refused, so that
the two sides cannot drift apart unseen. Golden examples in ``src/contracts/examples`` are parsed by the tests of both languages.
"""

from __future__ import annotations

from wlops_common.contracts.evaluation import (
    ChampionOutcomes,
    Comparison,
    Contamination,
    ErrorRate,
    EvaluateRequest,
    EvaluateResult,
    Improvement,
    MetricInfo,
    Regression,
    Score,
    Slice,
)
from wlops_common.contracts.jobs import (
    JobError,
    JobPhase,
    JobProgress,
    JobState,
    JobStatus,
)
from wlops_common.contracts.messages import (
    Identifier,
    ImprovementKind,
    JobKey,
    JobRequest,
    Message,
    ObjectKey,
    ObjectRef,
    Prefix,
    RowsRef,
    Sha256,
    TaskType,
)
from wlops_common.contracts.optimization import (
    AppliedImprovement,
    DeclinedImprovement,
    FileReading,
    LabelIssueReport,
    LeakageReport,
    Operators,
    OptimizationStep,
    OptimizeRequest,
    OptimizeResult,
    SourceFile,
    TeacherReport,
    Trial,
    TrialArm,
    UnknownLabels,
    Uplift,
)
from wlops_common.contracts.training import (
    TrainRequest,
    TrainResult,
)

__all__ = [
    "AppliedImprovement",
    "ChampionOutcomes",
    "Comparison",
    "Contamination",
    "DeclinedImprovement",
    "ErrorRate",
    "EvaluateRequest",
    "EvaluateResult",
    "FileReading",
    "Identifier",
    "Improvement",
    "ImprovementKind",
    "JobError",
    "JobKey",
    "JobPhase",
    "JobProgress",
    "JobRequest",
    "JobState",
    "JobStatus",
    "LabelIssueReport",
    "LeakageReport",
    "Message",
    "MetricInfo",
    "ObjectKey",
    "ObjectRef",
    "Operators",
    "OptimizationStep",
    "OptimizeRequest",
    "OptimizeResult",
    "Prefix",
    "Regression",
    "RowsRef",
    "Score",
    "Sha256",
    "Slice",
    "SourceFile",
    "TaskType",
    "TeacherReport",
    "TrainRequest",
    "TrainResult",
    "Trial",
    "TrialArm",
    "UnknownLabels",
    "Uplift",
]
