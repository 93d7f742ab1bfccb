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

describe('for any conditions and any loop', () => {
  const score = fc.double({ min: -10, max: 10, noNaN: true });
  const seconds = fc.double({ min: 0, max: 1e6, noNaN: true });
  const time = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2027-01-01') });
  const conditions: fc.Arbitrary<StopConditions> = fc.record({
    maxIterations: fc.integer({ min: 1, max: 50 }),
    performanceThreshold: fc.option(score),
    rule: fc.constantFrom('point' as const, 'lower_bound' as const),
    plateau: fc.option(fc.record({ patience: fc.integer({ min: 1, max: 10 }), minimumGain: fc.nat(5) })),
    budget: fc.option(fc.record({ wallSeconds: fc.option(seconds), trainingSeconds: fc.option(seconds) })),
    deadline: fc.option(time.map((at) => new Date(at).toISOString())),
  });
  const loops: fc.Arbitrary<LoopFacts> = fc
    .record({
      history: fc.array(score, { minLength: 1, maxLength: 60 }),
      spread: fc.tuple(fc.nat(3), fc.nat(3)),
      higherIsBetter: fc.boolean(),
      wallSeconds: seconds,
      trainingSeconds: seconds,
      now: time,
    })
    .map(({ history, spread: [below, above], ...rest }) => {
      const value = history.at(-1) as number;
      const iteration = history.length - 1;
      return { ...rest, iteration, history, score: { value, low: value - below, high: value + above } };
    });
  const rulesOf = (all: StopConditions): Record<string, StopConditions> => ({
    performanceThreshold: { ...NEVER, rule: all.rule, performanceThreshold: all.performanceThreshold },
    deadline: { ...NEVER, deadline: all.deadline },
    budget: { ...NEVER, budget: all.budget },
    plateau: { ...NEVER, plateau: all.plateau },
    maxIterations: { ...NEVER, maxIterations: all.maxIterations },
  });
  const fires = (one: StopConditions, now: LoopFacts) => stopReason(one, now) !== null;
  /** `better` larger than `worse` by `by` in the metric's direction. */
  const improved = (value: number, by: number, higherIsBetter: boolean) => (higherIsBetter ? value + by : value - by);

  test('the rules together name what the first of them in the order names alone', () => {
    fc.assert(
      fc.property(conditions, loops, (all, now) => {
        const alone = Object.values(rulesOf({ ...all, maxIterations: Math.min(all.maxIterations, 50) }));
        const first = alone.map((one) => stopReason(one, now)).find((reason) => reason !== null) ?? null;
        expect(stopReason(all, now)).toEqual(first);
      }),
    );
  });

  test('a rule that is added never lets a loop go on that had ended', () => {
    fc.assert(
      fc.property(conditions, loops, (all, now) => {
        for (const one of Object.values(rulesOf(all))) if (fires(one, now)) expect(fires(all, now)).toBe(true);
      }),
    );
  });

  test('a better score never un-fires the target, by point or by lower bound', () => {
    fc.assert(
      fc.property(conditions, loops, fc.nat(5), (all, now, by) => {
        const { performanceThreshold: target = NEVER } = rulesOf(all);
        const { value, low, high } = now.score;
        const shifted = [value, low, high].map((one) => improved(one, by, now.higherIsBetter));
        const [better, betterLow, betterHigh] = shifted as [number, number, number];
        const later = { ...now, score: { value: better, low: betterLow, high: betterHigh } };
        if (fires(target, now)) expect(fires(target, later)).toBe(true);
      }),
    );
  });

  test('the lower bound is reached only where the point is', () => {
    fc.assert(
      fc.property(conditions, loops, (all, now) => {
        const { performanceThreshold: target = NEVER } = rulesOf(all);
        if (fires({ ...target, rule: 'lower_bound' }, now)) expect(fires({ ...target, rule: 'point' }, now)).toBe(true);
      }),
    );
  });

  test('a larger limit never fires where a smaller one did not', () => {
    const more = fc.nat(10);
    fc.assert(
      fc.property(conditions, loops, more, (all, now, by) => {
        const budget = all.budget && {
          wallSeconds: all.budget.wallSeconds && all.budget.wallSeconds + by,
          trainingSeconds: all.budget.trainingSeconds && all.budget.trainingSeconds + by,
        };
        const looser: StopConditions = {
          ...all,
          maxIterations: all.maxIterations + by,
          performanceThreshold: all.performanceThreshold && improved(all.performanceThreshold, by, now.higherIsBetter),
          plateau: all.plateau && { patience: all.plateau.patience, minimumGain: all.plateau.minimumGain - by },
          budget,
          deadline: all.deadline && new Date(Date.parse(all.deadline) + by).toISOString(),
        };
        if (fires(looser, now)) expect(fires(all, now)).toBe(true);
      }),
    );
  });

  test('a loop that was ended by time or number stays ended', () => {
    fc.assert(
      fc.property(conditions, loops, fc.nat(5), seconds, (all, now, passes, passed) => {
        const counted = { ...all, performanceThreshold: null, plateau: null };
        const later: LoopFacts = {
          ...now,
          iteration: now.iteration + passes,
          wallSeconds: now.wallSeconds + passed,
          trainingSeconds: now.trainingSeconds + passed,
          now: now.now + passed,
        };
        if (fires(counted, now)) expect(fires(counted, later)).toBe(true);
      }),
    );
  });

  test('the plateau waits for its patience, fires without a gain, and never where each score gains enough', () => {
    fc.assert(
      fc.property(loops, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 5 }), (now, patience, step) => {
        const plateau = { ...NEVER, plateau: { patience, minimumGain: step } };
        const seen = now.history.length;
        if (seen <= patience) expect(fires(plateau, now)).toBe(false);
        const flat = { ...now, history: now.history.map(() => 1) };
        expect(fires(plateau, flat)).toBe(seen > patience);
        const rising = {
          ...now,
          history: now.history.map((_, index) => improved(0, index * step, now.higherIsBetter)),
        };
        expect(fires(plateau, rising)).toBe(false);
      }),
    );
  });

  test('a metric and its negative end the loop by the same rule', () => {
    fc.assert(
      fc.property(conditions, loops, (all, now) => {
        const { value, low, high } = now.score;
        const negative: LoopFacts = {
          ...now,
          higherIsBetter: !now.higherIsBetter,
          score: { value: -value, low: -high, high: -low },
          history: now.history.map((one) => -one),
        };
        const target = all.performanceThreshold;
        const turned = { ...all, performanceThreshold: target === null ? null : -target };
        expect(stopReason(turned, negative)?.policy).toBe(stopReason(all, now)?.policy);
      }),
    );
  });
});
