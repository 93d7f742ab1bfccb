/**
 * Champion and challenger: the best model so far is kept, and the next iteration starts from its recipe. Pure. A challenger is
 * compared row by row where the evaluator did so, else by point score; ties keep the champion.
 */
import type { ObjectRef } from './object-ref';

export interface Champion {
  iteration: number;
  score: { value: number; low: number; high: number };
  model: ObjectRef;
  modelPath: string;
  recipe: ObjectRef;
  improvementsFile: ObjectRef | null;
  /** What it got right on `select`, row by row; null in a state written before this was kept. */
  outcomes?: ObjectRef | null;
  /** What it was trained on; null in a state written before this was kept. */
  train?: (ObjectRef & { rows: number }) | null;
}

/** Challenger minus champion on the same rows; what of it the rule looks at. */
export interface PairedDifference {
  championIteration: number;
  difference: number;
  /** 95 % interval. */
  low: number;
  high: number;
  /** Guarded parts of the rows on which the challenger does significantly worse. */
  regressions: readonly unknown[];
  /** Of the expected calibration error; null where one of the two has no confidences. */
  calibrationChange: number | null;
}

/** A calibration error that grows by more is only taken with a difference that is no chance. */
export const MAX_CALIBRATION_CHANGE = 0.02;

export type VerdictReason =
  /** There was no champion. */
  | 'first'
  | 'better'
  /** A tie, or worse. */
  | 'not-better'
  /** Better as a whole, and worse on a guarded part. */
  | 'regression'
  /** Better by no more than chance could do, and its confidences say less. */
  | 'calibration';

export interface Verdict {
  promoted: boolean;
  reason: VerdictReason;
  /** The rule in words. */
  rule: string;
}

const RULES = {
  first: 'the first model becomes the champion',
  points: 'better point score on select; a tie keeps the champion',
  paired:
    'paired difference on select better than 0, no guarded slice worse, and calibration error at most ' +
    `${MAX_CALIBRATION_CHANGE} larger unless the interval excludes 0; a tie keeps the champion`,
};

interface Match {
  champion: Pick<Champion, 'iteration' | 'score'> | null;
  challenger: Pick<Champion, 'score'>;
  /** Null where the rows were not compared; one with another champion says nothing about this one. */
  paired: PairedDifference | null;
  higherIsBetter: boolean;
}

/** Whether the challenger takes the champion's place, and why. */
export function judge({ champion, challenger, paired, higherIsBetter }: Match): Verdict {
  if (!champion) return { promoted: true, reason: 'first', rule: RULES.first };
  if (paired?.championIteration !== champion.iteration) {
    const gain = challenger.score.value - champion.score.value;
    const better = higherIsBetter ? gain > 0 : gain < 0;
    return { promoted: better, reason: better ? 'better' : 'not-better', rule: RULES.points };
  }
  const reason = pairedReason(paired, higherIsBetter);
  return { promoted: reason === 'better', reason, rule: RULES.paired };
}

function pairedReason(paired: PairedDifference, higherIsBetter: boolean): VerdictReason {
  const [gain, leastGain] = higherIsBetter ? [paired.difference, paired.low] : [-paired.difference, -paired.high];
  if (!(gain > 0)) return 'not-better';
  if (paired.regressions.length > 0) return 'regression';
  const isChance = !(leastGain > 0);
  return isChance && (paired.calibrationChange ?? 0) > MAX_CALIBRATION_CHANGE ? 'calibration' : 'better';
}
