/** What the evaluator is asked and answers. Types only. */
import type { ImprovementKind, JobRequestBase, ObjectRef, RowsRef, TaskType } from './job-messages';

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
  /** Times the service began this job, and so read the rows it scored, at most: an attempt may end before it reads them. */
  attempts?: number | undefined;
}
