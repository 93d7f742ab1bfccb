import fc from 'fast-check';
import { stopConditionFaults, withPatch } from './stop-condition-patch';
import type { StopConditions } from './stop-conditions';

const CONDITIONS: StopConditions = {
  maxIterations: 10,
  performanceThreshold: 0.9,
  rule: 'point',
  plateau: { patience: 2, minimumGain: 0.01 },
  budget: null,
  deadline: null,
};

const names = Object.keys(CONDITIONS);
const patches = fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...names, 'x', '__proto__'), fc.anything()));

test('whatever a patch holds, it is refused or gives whole conditions again', () => {
  fc.assert(
    fc.property(patches, (patch) => {
      if (stopConditionFaults(patch).length > 0) return;
      const merged = withPatch(CONDITIONS, patch as Partial<StopConditions>);
      expect(Object.keys(merged).sort()).toEqual([...names].sort());
      expect(merged.maxIterations).toBeGreaterThanOrEqual(1);
    }),
  );
});

test('only what was named changes, and null lifts a rule', () => {
  const patch = { maxIterations: 20, plateau: null, deadline: undefined };
  expect(stopConditionFaults(patch)).toEqual([]);
  expect(withPatch(CONDITIONS, patch)).toEqual({ ...CONDITIONS, maxIterations: 20, plateau: null });
});

test('a budget with one limit has no other', () => {
  const patch = { budget: { trainingSeconds: 60 } } as unknown as Partial<StopConditions>;
  expect(stopConditionFaults(patch)).toEqual([]);
  expect(withPatch(CONDITIONS, patch).budget).toEqual({ wallSeconds: null, trainingSeconds: 60 });
});

test.each([
  [{ maxIterations: 1.5 }, 'maxIterations must be a whole number from 1 to 1000'],
  [{ performanceThreshold: NaN }, 'performanceThreshold must be a number'],
  [{ rule: 'best' }, 'rule must be point or lower_bound'],
  [{ plateau: { patience: 0, minimumGain: 0 } }, 'plateau patience must be a whole number from 1 to 1000'],
  [{ plateau: { patience: 1, minimumGain: 0, more: 1 } }, 'plateau has no field more'],
  [{ budget: { wallSeconds: -1 } }, 'budget wallSeconds must be a positive number'],
  [{ plateau: { patience: 1001, minimumGain: 0 } }, 'plateau patience must be a whole number from 1 to 1000'],
  [{ deadline: 'tomorrow' }, 'deadline must be a time such as 2030-01-31T12:00:00Z'],
  [{ target: 1 }, 'target is not a stop condition'],
])('%j is refused with the field and what it must be', (patch, fault) => {
  expect(stopConditionFaults(patch)).toEqual([fault]);
});

test.each([null, 'maxIterations', 5, [], {}, { maxIterations: undefined }])('%j is not a patch', (patch) => {
  expect(stopConditionFaults(patch)).toHaveLength(1);
});
