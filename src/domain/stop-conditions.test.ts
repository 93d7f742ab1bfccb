import fc from 'fast-check';
import { stopReason, type LoopFacts, type StopConditions } from './stop-conditions';

const NEVER: StopConditions = {
  maxIterations: 100,
  performanceThreshold: null,
  rule: 'point',
  plateau: null,
  budget: null,
  deadline: null,
};

function facts(changes: Partial<LoopFacts> = {}): LoopFacts {
  return {
    iteration: 0,
    score: { value: 0.8, low: 0.7, high: 0.9 },
    higherIsBetter: true,
    history: [0.8],
    wallSeconds: 10,
    trainingSeconds: 5,
    now: Date.parse('2026-06-01T12:00:00Z'),
    ...changes,
  };
}

test('a loop with nothing to stop it goes on', () => {
  expect(stopReason(NEVER, facts())).toBeNull();
});

test('maxIterations counts passes: with a limit of n the iterations are 0 to n − 1', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), (maxIterations) => {
      let iteration = 0;
      while (!stopReason({ ...NEVER, maxIterations }, facts({ iteration }))) iteration += 1;
      expect(iteration + 1).toBe(maxIterations);
    }),
  );
});

describe('the target', () => {
  test.each([
    ['is reached by a point score that equals it', 'point', 0.8, true],
    ['is missed by a point score below it', 'point', 0.81, false],
    ['by lower bound asks for the lower end of the interval', 'lower_bound', 0.8, false],
    ['by lower bound is reached when the lower end is there', 'lower_bound', 0.7, true],
  ] as const)('%s', (_name, rule, performanceThreshold, fires) => {
    const reason = stopReason({ ...NEVER, rule, performanceThreshold }, facts());
    expect(reason?.policy ?? null).toBe(fires ? 'performanceThreshold' : null);
  });

  test('of a loss is reached from above, and by lower bound asks for the upper end', () => {
    const loss = facts({ higherIsBetter: false });
    expect(stopReason({ ...NEVER, performanceThreshold: 0.85 }, loss)).toMatchObject({ compared: 0.8 });
    expect(stopReason({ ...NEVER, performanceThreshold: 0.75 }, loss)).toBeNull();
    expect(stopReason({ ...NEVER, performanceThreshold: 0.85, rule: 'lower_bound' }, loss)).toBeNull();
    expect(stopReason({ ...NEVER, performanceThreshold: 0.9, rule: 'lower_bound' }, loss)).toMatchObject({
      compared: 0.9,
    });
  });
});

describe('the plateau', () => {
  const plateau = { patience: 2, minimumGain: 0.01 };
  test.each([
    ['waits until more scores than its patience are there', [0.5, 0.5], null],
    ['fires when the last ones bring too little', [0.5, 0.505, 0.504], 'plateau'],
    ['does not fire while one of the last ones brings enough', [0.5, 0.52, 0.5], null],
    ['compares with the best before, not with the first', [0.9, 0.5, 0.6], 'plateau'],
  ])('%s', (_name, history, policy) => {
    expect(stopReason({ ...NEVER, plateau }, facts({ history }))?.policy ?? null).toBe(policy);
  });

  test('of a loss counts a fall as a gain', () => {
    const falling = facts({ higherIsBetter: false, history: [0.5, 0.4, 0.3] });
    expect(stopReason({ ...NEVER, plateau }, falling)).toBeNull();
    expect(stopReason({ ...NEVER, plateau }, { ...falling, history: [0.3, 0.4, 0.5] })?.policy).toBe('plateau');
  });
});

test.each([
  ['wall time', { wallSeconds: 10, trainingSeconds: null }, { wallSeconds: 10, limit: 10 }],
  ['training time', { wallSeconds: null, trainingSeconds: 5 }, { trainingSeconds: 5, limit: 5 }],
])('a budget of %s ends the loop when it is used up, and says so', (_name, budget, numbers) => {
  expect(stopReason({ ...NEVER, budget }, facts())).toEqual({ policy: 'budget', ...numbers });
  expect(stopReason({ ...NEVER, budget }, facts({ wallSeconds: 9.9, trainingSeconds: 4.9 }))).toBeNull();
});

test('a deadline ends the loop from its moment on', () => {
  const conditions = { ...NEVER, deadline: '2026-06-01T12:00:00Z' };
  expect(stopReason(conditions, facts())?.policy).toBe('deadline');
  expect(stopReason(conditions, facts({ now: facts().now - 1 }))).toBeNull();
});

test('when several rules fire the first of target, deadline, budget, plateau, iterations is named', () => {
  const all: StopConditions = {
    maxIterations: 1,
    performanceThreshold: 0.5,
    rule: 'point',
    plateau: { patience: 1, minimumGain: 1 },
    budget: { wallSeconds: 1, trainingSeconds: 1 },
    deadline: '2020-01-01T00:00:00Z',
  };
  const now = facts({ history: [0.8, 0.8] });
  const named: (string | undefined)[] = [];
  let conditions = all;
  for (const off of [{ performanceThreshold: null }, { deadline: null }, { budget: null }, { plateau: null }, {}]) {
    named.push(stopReason(conditions, now)?.policy);
    conditions = { ...conditions, ...off };
  }
  expect(named).toEqual(['performanceThreshold', 'deadline', 'budget', 'plateau', 'maxIterations']);
});
