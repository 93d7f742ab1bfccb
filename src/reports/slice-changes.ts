/** How parts of the rows did before and after: the champion an iteration learned from against its own model. Pure. */
import type { ErrorRate, EvaluateResult } from '../contracts/jobs';
import { differenceInterval } from '../domain/intervals';

/** A row of an older version lacks what came later. */
export type StoredEvaluation = Omit<EvaluateResult, 'errorRates'> & Partial<Pick<EvaluateResult, 'errorRates'>>;

/** Error rates on the `mine` rows of a part that both evaluations tell of. */
export interface SliceChange {
  name: string;
  /** Rows of the part in the later evaluation. */
  support: number;
  before: number;
  after: number;
  /** `before` − `after`, so that more is better, with its 95 % interval. */
  gain: number;
  low: number;
  high: number;
}

/** A loop may have a thousand iterations, and each of them hundreds of parts. */
const MAX_CHANGES = 60;

/** The parts where most rows changed, for better or worse; a part that one of the two does not know is left out. */
export function sliceChanges(before: StoredEvaluation, after: StoredEvaluation): SliceChange[] {
  const earlier = ratesByName(before);
  const changes = [...ratesByName(after).values()].flatMap((now): SliceChange[] => {
    const then = earlier.get(now.name);
    if (!then || then.support === 0 || now.support === 0) return [];
    const gain = then.errorRate - now.errorRate;
    const { name, support } = now;
    return [{ name, support, before: then.errorRate, after: now.errorRate, gain, ...differenceInterval(then, now) }];
  });
  const moved = ({ gain, support }: SliceChange): number => Math.abs(gain) * support;
  return changes.sort((a, b) => moved(b) - moved(a) || (a.name < b.name ? -1 : 1)).slice(0, MAX_CHANGES);
}

/** All parts an evaluation tells of: those that stand out and the frequent ones. */
export function ratesByName({ slices, errorRates = [] }: StoredEvaluation): Map<string, ErrorRate> {
  return new Map([...errorRates, ...slices].map((one) => [one.name, one]));
}
