/**
 * A task's report as it is served and stored, and what it is made from. What a task type lacks, or nobody has measured yet, is null:
 * nothing is invented. Types only.
 */
import type {
  Comparison,
  Contamination,
  DeclinedImprovement,
  EvaluateResult,
  FileReading,
  ImprovementKind,
  LeakageReport,
  OptimizationStep,
  OptimizeResult,
  TeacherReport,
  Trial,
  Uplift,
} from '../contracts/jobs';
import type { SliceChange } from './slice-changes';
import type { TaskRowFacts, TaskView } from './task-view';

/** The rows a report is made from; the database's rows fit. */
export interface ReportSource {
  task: TaskRowFacts & { metricInfo: unknown };
  executions: readonly ExecutionRowFacts[];
  decisions: readonly DecisionRowFacts[];
  /** The data sets that the task names, as uploaded. */
  uploads: readonly { datasetId: string; sha256: string | null }[];
}

export interface ExecutionRowFacts {
  iteration: number;
  phase: string;
  segment: number;
  status: string;
  outputDatasetId: string | null;
  modelPath: string | null;
  evaluationPath: string | null;
  details: unknown;
  failure: unknown;
  startedAt: Date;
  completedAt: Date | null;
}

export interface DecisionRowFacts {
  seq: number;
  iteration: number;
  kind: string;
  facts: unknown;
  actor: string;
  decidedAt: Date;
}

export interface Report {
  task: TaskView;
  metric: { name: string; higherIsBetter: boolean } | null;
  iterations: ReportIteration[];
  test: ReportTest | null;
  decisions: ReportDecision[];
  accessLedger: AccessLedgerEntry[];
  lineage: ReportLineage;
}

export interface ReportTest {
  score: number;
  low: number;
  high: number;
  samples: number;
  reads: number;
  /** Sealed rows that stand in the champion's training rows too; null where nobody looked. */
  contamination: Contamination | null;
  /** How many those are; they count as wrong, so that the model is at least as good as the score says. */
  excluded: number | null;
}

export interface ReportIteration {
  iteration: number;
  score: number | null;
  /** 95 % interval. */
  low: number | null;
  high: number | null;
  samples: number | null;
  champion: boolean;
  /** Whether it took the champion's place, then or now; null while that is not decided. */
  promoted: boolean | null;
  datasetId: string | null;
  modelPath: string | null;
  /** Training rows. */
  rows: number | null;
  /** Rows of each role, the last two null where the task has none; null before the data is made. */
  roles: { train: number; mine: number; select: number; test: number | null; pool: number | null } | null;
  /** How they came from those of the champion this iteration learned from; null without one. */
  /** Training rows by where they come from, see `OptimizeResult`; null where nobody told. */
  rowsBySource: Record<string, number> | null;
  dataChange: ReportDataChange | null;
  steps: (Pick<OptimizationStep, 'name' | 'rowsIn' | 'rowsOut' | 'removed'> & { changed: number })[] | null;
  /** How the task's files were read; null in iterations that start from what the first one read. */
  files: FileReading[] | null;
  /** Rows whose label the training file lacks, by role; null where there are none, and after the first iteration. */
  unknownLabels: NonNullable<OptimizeResult['unknownLabels']> | null;
  leakage: LeakageReport | null;
  labelIssues: OptimizeResult['labelIssues'];
  slices: EvaluateResult['slices'] | null;
  improvements: { id: string; kind: ImprovementKind; slice: string; support: number; gainBound: number }[] | null;
  /** Error rates against the champion it learned from; null without one. */
  sliceChanges: SliceChange[] | null;
  applied: ReportApplied[] | null;
  /** Improvements that were not applied, and why; null where nobody told. */
  declined: DeclinedImprovement[] | null;
  /** The arms as a quick model judged them on `mine`; null where nothing was tried. */
  trial: Trial | null;
  /** What a teacher saw and wrote; null where none was to be asked. */
  teacher: TeacherReport | null;
  /** The trial's random control arm, by the quick model; null where there was no trial. */
  controlArm: { score: number } | null;
  /** Against the champion, on the same `select` rows; null without one. */
  comparison: Comparison | null;
  /** `select` rows that stand in the training rows too; null where nobody looked. */
  contamination: Contamination | null;
  secondary: Record<string, number> | null;
  /** Jobs that did not run in one go, in order; how the iteration came by its results all the same. */
  interruptions: ReportInterruption[];
  /** The step that the training's last attempt continued from; null where that began at the first step. */
  resumedFromStep: number | null;
  badCases: number | null;
  trainLoss: number | null;
  mineLoss: number | null;
  lossCurve: [number, number][] | null;
  seconds: { optimization: number | null; training: number | null; evaluation: number | null };
}

/**
 * An improvement that was applied. `uplift` is by how much the error rate of its slice fell against the champion it was found in,
 * with its 95 % interval; null when no row came of it, or when this iteration's evaluation says nothing of that slice.
 */
export interface ReportApplied {
  id: string;
  kind: ImprovementKind;
  slice: string;
  rows: number;
  /** The arm of the trial that carried it out, its kind or `teacher`; null where nobody told. */
  arm: string | null;
  uplift: number | null;
  low: number | null;
  high: number | null;
  /** What the quick model lost without it; null where nothing was tried. */
  trial: Uplift | null;
}

/** A job that was paused or failed, whether another followed or not, or whose process or service ended without an answer. */
export interface ReportInterruption {
  phase: string;
  segment: number;
  /** ISO 8601; null where it was not told. */
  at: string | null;
  /** `paused`, what ended (`process` or `service`), or the code of the fault; `failed` where that is not known. */
  cause: string;
  exitCode: number | null;
  /** The last that was told before. */
  stage: string | null;
  step: number | null;
}

export interface ReportDataChange {
  /** The champion's iteration, and its training rows. */
  since: number;
  rowsBefore: number;
  rowsAfter: number;
  /** Rows of what this iteration applied, by kind: added, or for `fix` changed or dropped. */
  byKind: Partial<Record<ImprovementKind, number>>;
  /** Rows taken out for a doubted label, now minus then; null where labels were not looked at. */
  quarantined: number | null;
}

export interface ReportDecision {
  seq: number;
  iteration: number;
  kind: string;
  facts: unknown;
  actor: string;
  decidedAt: string;
}

export interface AccessLedgerEntry {
  role: 'select' | 'test';
  /** `split`: written when the roles were given; `score`: of an iteration; `final`: the one score of the sealed rows. */
  purpose: 'split' | 'score' | 'final';
  iteration: number;
  /** ISO 8601: of a split its end, of a score the start of the job, of the final read when its number was recorded. */
  at: string;
  rows: number | null;
  sha256: string | null;
  /** The service whose account touched them. */
  actor: 'optimizer' | 'evaluator';
  /** How often; more than one only where a service lost the final job. */
  reads: number;
}

export interface ReportLineage {
  /** sha256 over the champion's weight files. */
  modelSha256: string | null;
  /** sha256 of the uploaded training file. */
  datasetSha256: string | null;
  /** The uploaded files that the task names, the training file among them. */
  files: { file: FileReading['file']; datasetId: string; sha256: string | null }[];
  /** sha256 of the rows the champion was trained on, as a file: the same for the same files, seed and recipe in any task. */
  optimizedDatasetSha256: string | null;
  /** sha256 of the manifest that lists that file and what was written beside it; it names this task's objects, as the split does. */
  optimizedManifestSha256: string | null;
  splitSha256: string | null;
  recipeSha256: string | null;
  modelManifestSha256: string | null;
  /** Version of this program. */
  code: { version: string };
  config: {
    modelName: string;
    hyperparameters: unknown;
    operators: unknown;
    stopPolicies: unknown;
    taskType: string | null;
  };
  seed: number;
}

/** What the evaluator's own report adds to the page; every part may be missing. */
export interface EvaluationDetails {
  notes?: unknown;
  confusion?: unknown;
  badCases?: unknown;
}
