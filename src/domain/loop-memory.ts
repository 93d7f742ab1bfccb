/**
 * What a loop carries of its past from run to run. Bounded: a state that grew with every iteration would make each run's history larger
 * than the one before, until Temporal refused it. Nothing is lost: PostgreSQL keeps all of it. Pure.
 */
import { MAX_PATIENCE } from './stop-conditions';

/** The plateau rule looks this far back, and at the best before. */
export const KEPT_SCORES = MAX_PATIENCE + 1;

/** Lost challengers that the optimizer is told of. What lost longer ago may be tried again. */
export const KEPT_REJECTED = 100;

/** The items and one more at their end; of more than `most` the oldest go. */
export function remember<Item>(items: readonly Item[], item: Item, most: number): Item[] {
  return [...items, item].slice(-most);
}

/** The champion's scores and one more. Where older ones have gone the first is the best of them, so that no rule notices. */
export function rememberChampionScore(scores: readonly number[], score: number, higherIsBetter: boolean): number[] {
  const kept = remember(scores, score, KEPT_SCORES);
  const gone = scores.slice(0, scores.length + 1 - kept.length);
  const best = higherIsBetter ? Math.max : Math.min;
  return gone.length === 0 ? kept : [best(...gone, kept[0] ?? score), ...kept.slice(1)];
}
