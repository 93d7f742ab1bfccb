/**
 * Champion and challenger: the best model so far is kept, and the next iteration starts from its recipe. Pure.
 * Comparison is by point score on `select`; ties keep the champion.
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

/** True when the challenger takes the champion's place. */
export function isPromoted(champion: Champion | null, challenger: Champion, higherIsBetter: boolean): boolean {
  if (!champion) return true;
  return higherIsBetter ? challenger.score.value > champion.score.value : challenger.score.value < champion.score.value;
}
