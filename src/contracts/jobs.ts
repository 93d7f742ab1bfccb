/**
 * What crosses the wire between the worker and the three Python services: types only, so that workflows may import them.
 * `docs/job-protocol.md` says what each field means; `examples/` holds one golden JSON per message, parsed by both languages;
 * `src/contracts/job-schemas.ts` parses replies at the edge. Python's side is `wlops_common/contracts/`.
 */
import type { ObjectRef } from '../domain/object-ref';
import type { Operators } from '../domain/operators';

export type { ObjectRef, Operators };
export type ServiceName = 'optimizer' | 'trainer' | 'evaluator';
export type TaskType = 'classification' | 'generation';
export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'paused';

/** Which phase of the loop a job belongs to. `final` is the one evaluation on the sealed test rows, when the task ends. */
export type JobPhase = 'optimization' | 'training' | 'evaluation' | 'final';

/** Rows of one split role, as Parquet. */
export interface RowsRef extends ObjectRef {
  rows: number;
}

/** An uploaded file as the user gave it. `format` and `columns` are null where they are to be detected. */
export interface SourceFile {
  datasetId: string;
  key: string;
  sha256: string;
  format: 'csv' | 'tsv' | 'jsonl' | 'parquet' | null;
  /** Role of a column → its name in the file, or its number from 0 in a file without header. */
  columns: Record<string, string | number> | null;
}

/** Fields every job request carries. */
export interface JobRequestBase {
  /** `<taskId>/<iteration>/<phase>/<segment>`; the same key and body always answer with the same job. */
  jobKey: string;
  taskId: string;
  iteration: number;
  segment: number;
  seed: number;
  /** Where the job writes; its manifest goes to `<outputPrefix>manifest.json`, last. */
  outputPrefix: string;
}

export interface OptimizeRequest extends JobRequestBase {
  source: SourceFile;
  validation: SourceFile | null;
  test: SourceFile | null;
  pool: SourceFile | null;
  /** Null: found out from the columns. */
  taskType: TaskType | null;
  /** The frozen split of iteration 0; null exactly in iteration 0. */
  split: ObjectRef | null;
  /** The champion's recipe, which this iteration's recipe extends; null in iteration 0. */
  recipe: ObjectRef | null;
  /** The evaluator's findings that this iteration acts on; null in iteration 0. */
  feedback: ObjectRef | null;
  /** Left out or null: the usual, see `operatorsOf`. */
  operators?: Operators | null;
  /** Recipes of challengers that were built on `recipe` and lost to the champion, oldest first. */
  rejected: ObjectRef[];
  /** Where the score-deciding rows are written in iteration 0. */
  sealedPrefix: string;
}

/** One operator of the optimizer: how many rows went in and out, why some did not come out, and how many of those that did were edited. */
export interface OptimizationStep {
  name: string;
  rowsIn: number;
  rowsOut: number;
  removed: Record<string, number>;
  /** Rows that came out other than they went in. Absent in a result stored before this was told. */
  changed?: number | undefined;
  seconds: number;
}

/** How a file of the task was read: what its owner should know to see whether it was read as meant. */
export interface FileReading {
  file: 'training' | 'validation' | 'test' | 'pool';
  format: string;
  header: boolean;
  /** Columns that make the input, joined in this order, and the one of the output; chat turns are in one column for both. */
  input: string[];
  output: string;
  /** Rows in the file, and those of them that could not be read. */
  rows: number;
  setAside: number;
  /** Such as the delimiter and the encoding. */
  notes: string[];
}

/** Rows whose label the training side lacks, and how many different labels those are. */
export interface UnknownLabels {
  rows: number;
  labels: number;
}

export interface LeakageReport {
  /** Rows of the user's test file (without one: of the validation file) whose normalised text also stands in the training file. */
  exactOverlaps: number;
  /** Further ones that have a similarity of 0.9 or more to a training row. Training rows that go are more: whole near-duplicate groups. */
  nearOverlaps: number;
  /** Null where the task type has no paraphrase check. */
  paraphrases: number | null;
}

/** A paired difference of two shares of right answers, with its 95 % interval. */
export interface Uplift {
  value: number;
  low: number;
  high: number;
}

/** One improvement the optimizer turned into rows. */
export interface AppliedImprovement {
  id: string;
  kind: ImprovementKind;
  slice: string;
  /** Rows added, or for `fix` rows changed or dropped. */
  rows: number;
  /** The arm of a trial that carries it out: its kind, or `teacher`; a finding may be carried out by two. Absent in older results. */
  arm?: string | null | undefined;
  /** What a quick model of the chosen rows loses on `mine` without this improvement; null where nothing was tried. */
  trial?: Uplift | null | undefined;
}

/** One improvement that was not turned into rows, and why. */
export interface DeclinedImprovement {
  id: string;
  kind: ImprovementKind;
  slice: string;
  reason: string;
}

/** A remedy as a quick model judged it on `mine`, by its kind or as `teacher`; `control <arm>` is as many random rows. */
export interface TrialArm {
  arm: string;
  /** Ids of the improvements it carries out; empty for the control arm. */
  improvements: string[];
  /** Rows added, changed or dropped. */
  rows: number;
  /** Share of `mine` rows that are right, mean over the seeds, and how much that is above the baseline. */
  score: number;
  uplift: Uplift;
  chosen: boolean;
  reason: string;
}

/** The remedies of an iteration tried by a quick model, before the real model is trained once on what won. */
export interface Trial {
  /** What the quick model is and what it predicts. */
  proxy: string;
  seeds: number;
  /** Rows of `mine` that were judged. */
  samples: number;
  /** Its score on the rows of the recipe so far. */
  baseline: number;
  /** Its score on the rows of the chosen arms together. */
  chosen: number;
  arms: TrialArm[];
}

/** What a teacher, if the installation has one, was shown and asked, and what came of it. */
export interface TeacherReport {
  model: string;
  calls: number;
  /** Different training rows that were sent to it. */
  rowsShown: number;
  rowsAsked: number;
  rowsAnswered: number;
  /** Those of the answered that were usable; the trial decides which of them are taken. */
  rowsAccepted: number;
}

export interface OptimizeResult {
  manifest: ObjectRef;
  taskType: TaskType;
  train: RowsRef;
  mine: RowsRef;
  pool: RowsRef | null;
  select: RowsRef;
  test: RowsRef | null;
  split: ObjectRef;
  recipe: ObjectRef;
  log: ObjectRef;
  /** Number of classes; null for generation. */
  labelCount: number | null;
  /**
   * By role, where there are any: held-out rows, which stay and which no model can get right, and `pool` rows, which were set aside.
   * Of the iteration that read the files, the first; empty in others. Absent in a result stored before this was told.
   */
  unknownLabels?: Partial<Record<'mine' | 'select' | 'test' | 'pool', UnknownLabels>> | undefined;
  steps: OptimizationStep[];
  leakage: LeakageReport;
  labelIssues: { flagged: number; quarantined: number } | null;
  applied: AppliedImprovement[];
  /** Improvements of the findings that were not applied. Absent in a result stored before this was told, as is `trial`. */
  declined?: DeclinedImprovement[] | undefined;
  /** Null where nothing was tried: in iteration 0, and where no quick model can stand in. */
  trial?: Trial | null | undefined;
  /** Null where none was to be asked. */
  teacher?: TeacherReport | null | undefined;
  /** Of the iteration that read them, the first; empty in others. Absent in a result stored before this was told. */
  files?: FileReading[] | undefined;
  /** Of the whole job, until its manifest is written; null in a result stored before this was measured. */
  seconds: number | null;
}

export interface TrainRequest extends JobRequestBase {
  modelName: string;
  hyperparameters: Record<string, number | string | boolean>;
  taskType: TaskType;
  train: RowsRef;
  /** For the validation loss; never trained on. */
  mine: RowsRef | null;
  /** Checkpoint manifest of an earlier segment to continue from. */
  resumeFrom: ObjectRef | null;
}

export interface TrainResult {
  /** Manifest of the finished model; the evaluator reads the files it lists. */
  model: ObjectRef;
  /** Prefix under which the weights lie. */
  modelPath: string;
  /** sha256 over the weight files, for lineage. */
  weightsSha256: string;
  parameters: number;
  steps: number;
  epochs: number;
  /** Cross-entropy in nats, mean over the last epoch; null when nothing was measured. */
  trainLoss: number | null;
  mineLoss: number | null;
  /** At most 200 `[step, loss]` points. */
  lossCurve: [number, number][];
  /** Of training, over all segments: from the first step on, without loading and saving the model. */
  seconds: number;
  /** What follows is absent in a result stored before it was told. As it was in the end: half of what was asked for after memory ran out. */
  batchSize?: number | null | undefined;
  accumulation?: number | null | undefined;
  outOfMemoryRetries?: number | undefined;
  stoppedEarly?: boolean | undefined;
  /** The step whose weights were kept; null where the last step's were. */
  bestStep?: number | null | undefined;
  /** `float32`, or `bfloat16` where mixed precision was used. */
  precision?: string | null | undefined;
  device?: string | null | undefined;
}

/** What the champion got right on `select`, row by row, for a paired comparison. */
export interface ChampionOutcomes {
  iteration: number;
  outcomes: ObjectRef;
}

export interface EvaluateRequest extends JobRequestBase {
  purpose: 'iteration' | 'final';
  model: ObjectRef;
  taskType: TaskType;
  /** Null: the task type's usual one (`accuracy`, `exact_match`). */
  metric: string | null;
  /** Training rows the model saw: rows to be scored that stand among them count as wrong; for nearest neighbours and slice frequencies. */
  train: RowsRef | null;
  mine: RowsRef | null;
  select: RowsRef | null;
  /** Set exactly when `purpose` is `final`. */
  test: RowsRef | null;
  /** The reserve pool, of whose rows the model is asked how sure it is; null in a final evaluation. */
  pool: RowsRef | null;
  /** Where what must stay with the evaluator is written: row by row, what was right. */
  sealedPrefix: string;
  /** Null in a final evaluation, and where there is no champion yet. */
  champion: ChampionOutcomes | null;
}

export interface Score {
  value: number;
  /** 95 % interval. */
  low: number;
  high: number;
  samples: number;
  /** Rows that could not be scored; neither right nor wrong, and not among `samples`. */
  unscored: number;
}

export type ImprovementKind = 'select' | 'fix' | 'generate' | 'augment' | 'format' | 'replay' | 'collect' | 'none';

export interface Slice {
  name: string;
  support: number;
  errorRate: number;
  /** Error rate of the slice over that of all rows. */
  lift: number;
  qValue: number;
}

/** How a part of the rows does, whether it stands out or not. */
export interface ErrorRate {
  name: string;
  support: number;
  errorRate: number;
}

export interface Improvement {
  id: string;
  kind: ImprovementKind;
  slice: string;
  support: number;
  errorRate: number;
  lift: number;
  /** By how much the error rate can fall at most, whatever the metric: the slice’s share × (its error rate − the overall one). */
  gainBound: number;
}

/** A part of the rows on which the challenger does significantly worse than the champion. */
export interface Regression {
  name: string;
  support: number;
  /** Error rates of champion and challenger. */
  before: number;
  after: number;
  qValue: number;
}

/** Challenger against champion on the same `select` rows. `difference` is challenger minus champion, in the metric. */
export interface Comparison {
  championIteration: number;
  samples: number;
  difference: number;
  low: number;
  high: number;
  /** McNemar's exact test on the rows that one of the two gets right, also where the metric knows no right and wrong. */
  pValue: number;
  gained: number;
  lost: number;
  regressions: Regression[];
  /** Of the expected calibration error; null where one of them has no confidences, or the metric is the loss. */
  calibrationChange: number | null;
}

/** Rows to be scored that stand in the training rows too. They count as wrong. */
export interface Contamination {
  checked: number;
  exact: number;
  near: number;
  /** Null where the task type has no paraphrase check. */
  paraphrases: number | null;
  /** All of them together: excluded from credit. */
  excluded: number;
  /**
   * How many of those are put down to rows that the loop made: they stand in none of the user's, or a made row rewords them best.
   * Absent, as what follows, in older results.
   */
  made?: number | null | undefined;
  /** Others that training rows tell in other words, as often as chance does. Null where the task type has no paraphrase check. */
  byChance?: number | null | undefined;
}

export interface EvaluateResult {
  metric: { name: string; higherIsBetter: boolean };
  role: 'select' | 'test';
  score: Score;
  secondary: Record<string, number>;
  report: ObjectRef;
  /** Null for a final evaluation: nothing may be learned from the sealed rows. */
  improvementsFile: ObjectRef | null;
  slices: Slice[];
  /** Of the frequent feature values of `mine`, and of all its rows; empty for a final evaluation. */
  errorRates: ErrorRate[];
  improvements: Improvement[];
  badCases: number;
  seconds: number;
  /** Row by row, what was right on `select`; lies under the sealed prefix. What follows is absent in a result stored before it was told. */
  outcomes?: ObjectRef | null | undefined;
  /** Null without a champion to compare with. */
  comparison?: Comparison | null | undefined;
  /** Null where no training rows were given to check against. */
  contamination?: Contamination | null | undefined;
}

export interface JobProgress {
  /** What is being done now, for people: `epoch 3 of 10`, `near-duplicates`. */
  stage: string;
  step: number;
  totalSteps: number | null;
  loss: number | null;
  score: number | null;
  /** Units a second (rows or steps). */
  rate: number | null;
  etaSeconds: number | null;
}

export interface JobError {
  code: string;
  message: string;
  /** File line, sample, field: whatever helps to mend the input. */
  details: Record<string, unknown> | null;
  retryable: boolean;
}

export interface JobStatus<Result = unknown> {
  jobId: string;
  jobKey: string;
  taskId: string;
  iteration: number;
  phase: JobPhase;
  segment: number;
  state: JobState;
  /** Times this job was started, counting restarts of the service. */
  attempt: number;
  progress: JobProgress | null;
  result: Result | null;
  error: JobError | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  /** Moves while the job is alive; one that stands still is stuck. */
  updatedAt: string;
}
