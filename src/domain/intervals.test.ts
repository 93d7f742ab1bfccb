import { differenceInterval } from './intervals';

/** Newcombe (1998), table II, method 10. */
test.each([
  [56, 70, 48, 80, 0.0524, 0.3339],
  [9, 10, 3, 10, 0.1705, 0.809],
  [5, 56, 0, 29, -0.0381, 0.1926],
  [10, 10, 0, 10, 0.6075, 1],
])('%i of %i against %i of %i has the interval of the source', (a, m, b, n, low, high) => {
  const interval = differenceInterval({ errorRate: a / m, support: m }, { errorRate: b / n, support: n });
  expect(interval.low).toBeCloseTo(low, 4);
  expect(interval.high).toBeCloseTo(high, 4);
});
