/**
 * What a user may ask the loop to stop at, and the rules that decide it. Pure: no clock, no I/O; times come in as numbers.
 * The user's two rules (`maxIterations`, `performanceThreshold`) and ours (plateau, budget, deadline) are evaluated in a fixed
 * order and the first that fires is named with its numbers. Not covered: which model is kept (`champion.ts`).
 */

/** How a score is compared with the threshold: its point value, or the lower end of its interval. */
export type ThresholdRule = 'point' | 'lower_bound';

/** A loop's reports and pages are made for so many; at ten minutes each they take a week. */
export const MAX_ITERATIONS = 1000;

/** The most iterations a plateau may be waited for; a loop remembers no more of its scores. */
export const MAX_PATIENCE = 1000;

export interface StopConditions {
  /** Passes of optimize → train → evaluate; iterations are numbered 0 … maxIterations − 1. */
  maxIterations: number;
  /** Null: no target. */
  performanceThreshold: number | null;
  rule: ThresholdRule;
  plateau: { patience: number; minimumGain: number } | null;
  budget: { wallSeconds: number | null; trainingSeconds: number | null } | null;
  /** ISO 8601 UTC. */
  deadline: string | null;
}

export type StopPolicy = 'performanceThreshold' | 'maxIterations' | 'plateau' | 'budget' | 'deadline';

/** Which rule ended the loop, and the numbers it saw. */
export interface StopReason {
  policy: StopPolicy;
  [number: string]: number | string | null;
}

/** What the rules look at after an iteration. */
export interface LoopFacts {
  /** The iteration that just ended, from 0. */
  iteration: number;
  /** The champion's, as it stands now. */
  score: { value: number; low: number; high: number };
  higherIsBetter: boolean;
  /** The champion's point score after each iteration, oldest first, the last one included: a refused challenger is no gain. */
  history: readonly number[];
  wallSeconds: number;
  trainingSeconds: number;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Larger is better for the returned number, whatever the metric's direction. */
function oriented(value: number, higherIsBetter: boolean): number {
  return higherIsBetter ? value : -value;
}

function threshold(conditions: StopConditions, facts: LoopFacts): StopReason | null {
  const target = conditions.performanceThreshold;
  if (target === null) return null;
  const cautious = facts.higherIsBetter ? facts.score.low : facts.score.high;
  const compared = conditions.rule === 'lower_bound' ? cautious : facts.score.value;
  if (oriented(compared, facts.higherIsBetter) < oriented(target, facts.higherIsBetter)) return null;
  return {
    policy: 'performanceThreshold',
    rule: conditions.rule,
    score: facts.score.value,
    compared,
    threshold: target,
  };
}

function deadline(conditions: StopConditions, facts: LoopFacts): StopReason | null {
  if (conditions.deadline === null || facts.now < Date.parse(conditions.deadline)) return null;
  return { policy: 'deadline', deadline: conditions.deadline, now: new Date(facts.now).toISOString() };
}

function budget(conditions: StopConditions, facts: LoopFacts): StopReason | null {
  const limits = conditions.budget;
  if (limits?.wallSeconds != null && facts.wallSeconds >= limits.wallSeconds) {
    return { policy: 'budget', wallSeconds: facts.wallSeconds, limit: limits.wallSeconds };
  }
  if (limits?.trainingSeconds != null && facts.trainingSeconds >= limits.trainingSeconds) {
    return { policy: 'budget', trainingSeconds: facts.trainingSeconds, limit: limits.trainingSeconds };
  }
  return null;
}

/** Fires when the best of the last `patience` scores beats the best before them by less than `minimumGain`. */
function plateau(conditions: StopConditions, facts: LoopFacts): StopReason | null {
  if (!conditions.plateau) return null;
  const { patience, minimumGain } = conditions.plateau;
  if (facts.history.length <= patience) return null;
  const scores = facts.history.map((score) => oriented(score, facts.higherIsBetter));
  const before = Math.max(...scores.slice(0, -patience));
  const gain = Math.max(...scores.slice(-patience)) - before;
  if (gain >= minimumGain) return null;
  return { policy: 'plateau', patience, minimumGain, gain };
}

/**
 * The first rule that fires, or null to go on. Order: target, deadline, budget, plateau, iterations, so that a loop that reaches
 * its target in its last iteration says so.
 */
export function stopReason(conditions: StopConditions, facts: LoopFacts): StopReason | null {
  return (
    threshold(conditions, facts) ??
    deadline(conditions, facts) ??
    budget(conditions, facts) ??
    plateau(conditions, facts) ??
    (facts.iteration + 1 >= conditions.maxIterations
      ? { policy: 'maxIterations', iterations: facts.iteration + 1, limit: conditions.maxIterations }
      : null)
  );
}
