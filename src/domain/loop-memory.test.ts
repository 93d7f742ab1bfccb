import fc from 'fast-check';
import { KEPT_REJECTED, KEPT_SCORES, remember, rememberChampionScore } from './loop-memory';
import { MAX_PATIENCE, stopReason, type StopConditions } from './stop-conditions';

const CONDITIONS: StopConditions = {
  maxIterations: 1_000_000,
  performanceThreshold: null,
  rule: 'point',
  plateau: null,
  budget: null,
  deadline: null,
};

test('the oldest go once there are more than are kept', () => {
  expect(remember([1, 2], 3, 3)).toEqual([1, 2, 3]);
  expect(remember([1, 2, 3], 4, 3)).toEqual([2, 3, 4]);
});

const manyScores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  minLength: KEPT_SCORES - 2,
  maxLength: 2 * KEPT_SCORES,
  size: 'max',
});
const plateaus = fc.record({
  patience: fc.integer({ min: 1, max: MAX_PATIENCE }),
  minimumGain: fc.double({ min: 0, max: 0.01, noNaN: true }),
});

test('no plateau rule notices what was let go', () => {
  const fired = new Set<boolean>();
  const decide = (history: readonly number[], plateau: StopConditions['plateau'], higherIsBetter: boolean) => {
    const [iteration, value] = [history.length - 1, history.at(-1) ?? 0];
    const score = { value, low: value, high: value };
    const facts = { iteration, score, higherIsBetter, history, wallSeconds: 0, trainingSeconds: 0, now: 0 };
    return stopReason({ ...CONDITIONS, plateau }, facts);
  };
  fc.assert(
    fc.property(manyScores, plateaus, fc.boolean(), (all, plateau, higherIsBetter) => {
      let kept: number[] = [];
      for (const score of all) kept = rememberChampionScore(kept, score, higherIsBetter);
      const reason = decide(all, plateau, higherIsBetter);
      expect(decide(kept, plateau, higherIsBetter)).toEqual(reason && { ...reason });
      expect(kept.length).toBe(Math.min(all.length, KEPT_SCORES));
      fired.add(reason !== null);
    }),
    { numRuns: 50 },
  );
  expect(fired).toEqual(new Set([true, false]));
});

test('what a run hands to the next stays far below what Temporal takes, however long the loop', () => {
  const recipe = {
    key: `datasets/task_${'a'.repeat(16)}/99999/s0/attempt-1/recipe.json`,
    sha256: '0'.repeat(64),
    bytes: 12_345,
  };
  const scores = Array.from({ length: KEPT_SCORES }, (_, index) => index / 97);
  const state = { scores, championScores: scores, rejected: Array.from({ length: KEPT_REJECTED }, () => recipe) };
  expect(JSON.stringify(state).length).toBeLessThan(64 * 1024);
});
