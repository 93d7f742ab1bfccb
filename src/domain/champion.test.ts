import fc from 'fast-check';
import { judge, MAX_CALIBRATION_CHANGE, type PairedDifference } from './champion';

const CHAMPION = 3;

function model(value: number) {
  return { iteration: CHAMPION, score: { value, low: value - 0.1, high: value + 0.1 } };
}

function pair(changes: Partial<PairedDifference> = {}): PairedDifference {
  return {
    championIteration: CHAMPION,
    difference: 0.02,
    low: -0.01,
    high: 0.05,
    regressions: [],
    calibrationChange: 0,
    ...changes,
  };
}

/** The verdict on a pair whose point scores say the opposite, so that they cannot have decided. */
function judged(changes: Partial<PairedDifference> = {}, higherIsBetter = true) {
  const paired = pair(changes);
  const points = paired.difference > 0 ? [model(0.9), model(0.1)] : [model(0.1), model(0.9)];
  const [champion, challenger] = points as [ReturnType<typeof model>, ReturnType<typeof model>];
  return judge({ champion, challenger, paired, higherIsBetter });
}

test('the first model becomes the champion, however bad', () => {
  const verdict = judge({ champion: null, challenger: model(0), paired: null, higherIsBetter: true });
  expect(verdict).toMatchObject({ promoted: true, reason: 'first' });
});

describe('without a comparison of rows the point scores decide', () => {
  test.each([
    ['a better accuracy is promoted', 0.8, 0.9, true, true],
    ['a worse accuracy is not', 0.9, 0.8, true, false],
    ['a lower loss is promoted', 0.9, 0.8, false, true],
    ['a higher loss is not', 0.8, 0.9, false, false],
  ])('%s', (_name, champion, challenger, higherIsBetter, promoted) => {
    const verdict = judge({ champion: model(champion), challenger: model(challenger), paired: null, higherIsBetter });
    expect(verdict).toMatchObject({ promoted, reason: promoted ? 'better' : 'not-better' });
  });

  test.each([true, false])('a tie keeps the champion (higher is better: %s)', (higherIsBetter) => {
    const verdict = judge({ champion: model(0.5), challenger: model(0.5), paired: null, higherIsBetter });
    expect(verdict.promoted).toBe(false);
  });

  test('a comparison with another champion counts as none', () => {
    const paired = pair({ championIteration: CHAMPION - 1, difference: -1, low: -1, high: -1 });
    const verdict = judge({ champion: model(0.5), challenger: model(0.6), paired, higherIsBetter: true });
    expect(verdict).toMatchObject({ promoted: true, reason: 'better' });
    expect(verdict.rule).toMatch(/point score/);
  });
});

describe('with a comparison of rows', () => {
  test.each([
    ['a better one is promoted, by chance or not', {}, 'better'],
    ['a tie keeps the champion', { difference: 0 }, 'not-better'],
    ['a worse one is refused', { difference: -0.01, low: -0.04, high: 0.02 }, 'not-better'],
    ['a slice that got worse refuses a better one', { low: 0.01, regressions: [{ name: 'label = a' }] }, 'regression'],
    ['confidences that say less refuse a difference that may be chance', { calibrationChange: 0.021 }, 'calibration'],
    ['a difference that is no chance is taken with them', { low: 0.001, calibrationChange: 0.5 }, 'better'],
    ['an interval that ends at 0 may be chance', { low: 0, calibrationChange: 0.5 }, 'calibration'],
    ['confidences that say a little less are no ground', { calibrationChange: MAX_CALIBRATION_CHANGE }, 'better'],
    ['confidences that nobody measured are no ground', { calibrationChange: null }, 'better'],
  ] as const)('%s', (_name, changes, reason) => {
    expect(judged(changes)).toMatchObject({ promoted: reason === 'better', reason });
  });

  test('of a loss a fall is better, and its interval is read from the other end', () => {
    const fall = { difference: -0.02, low: -0.05, high: 0.01, calibrationChange: 0.1 };
    expect(judged({ ...fall, calibrationChange: 0 }, false).promoted).toBe(true);
    expect(judged(fall, false).reason).toBe('calibration');
    expect(judged({ ...fall, high: -0.001 }, false).promoted).toBe(true);
    expect(judged({ difference: 0.02 }, false).reason).toBe('not-better');
  });
});

const metric = fc.double({ min: -1, max: 1, noNaN: true });
const pairs = fc
  .record({
    ends: fc.tuple(metric, metric, metric),
    regressions: fc.array(fc.string(), { maxLength: 2 }),
    calibrationChange: fc.option(metric),
  })
  .map(({ ends, ...rest }) => {
    const [low, difference, high] = [...ends].sort((a, b) => a - b) as [number, number, number];
    return pair({ low, difference, high, ...rest });
  });
const promotes = (paired: PairedDifference, higherIsBetter: boolean) => judged(paired, higherIsBetter).promoted;

test('a promoted challenger is better on the rows and worse on no guarded slice; the reason agrees with the verdict', () => {
  fc.assert(
    fc.property(pairs, fc.boolean(), (paired, higherIsBetter) => {
      const { promoted, reason } = judged(paired, higherIsBetter);
      expect(promoted).toBe(reason === 'better');
      if (!promoted) return;
      expect(higherIsBetter ? paired.difference : -paired.difference).toBeGreaterThan(0);
      expect(paired.regressions).toEqual([]);
    }),
  );
});

test('of two models never each replaces the other', () => {
  fc.assert(
    fc.property(pairs, fc.boolean(), (paired, higherIsBetter) => {
      const { low, difference, high } = paired;
      const other = { ...paired, low: -high, difference: -difference, high: -low };
      expect(promotes(paired, higherIsBetter) && promotes(other, higherIsBetter)).toBe(false);
    }),
  );
});

test('a metric and its negative give the same verdict', () => {
  fc.assert(
    fc.property(pairs, (paired) => {
      const negative = { ...paired, low: -paired.high, difference: -paired.difference, high: -paired.low };
      expect(judged(negative, false)).toEqual(judged(paired, true));
    }),
  );
});

test('what is better in every way is not refused where the lesser was promoted', () => {
  const shift = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(pairs, shift, shift, (paired, more, calmer) => {
      const better = {
        ...paired,
        low: paired.low + more,
        difference: paired.difference + more,
        high: paired.high + more,
        regressions: [],
        calibrationChange: paired.calibrationChange === null ? null : paired.calibrationChange - calmer,
      };
      if (promotes(paired, true)) expect(promotes(better, true)).toBe(true);
    }),
  );
});
