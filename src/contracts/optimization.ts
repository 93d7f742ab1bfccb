/** What the optimizer is asked and answers. Types only. */
import type {
  ImprovementKind,
  JobRequestBase,
  ObjectRef,
  Operators,
  RowsRef,
  SourceFile,
  TaskType,
} from './job-messages';

export interface OptimizeRequest extends JobRequestBase {
  source: SourceFile;
  validation: SourceFile | null;
  test: SourceFile | null;
  pool: SourceFile | null;
  /** Null: found out from the columns. */
  taskType: TaskType | null;
  /** What the task is scored by, see `EvaluateRequest`: rows that it cannot score are refused before anything is trained. */
  metric: string | null;
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
  /**
   * Training rows by where they come from: `original` (the training file), `select` (the pool), or who made them: `generate`, `augment`,
   * `replay`, `teacher`. What is made shares a cap, so older entries make fewer rows when new ones make some. Absent in older results.
   */
  rowsBySource?: Record<string, number> | undefined;
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
