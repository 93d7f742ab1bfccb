/** Intervals of proportions, for what the report compares. The evaluator's own intervals come with its results. Pure. */

/** Normal quantile of a two-sided 95 % interval. */
const Z = 1.959963984540054;

/** A share of `support` rows, such as an error rate. */
export interface Proportion {
  errorRate: number;
  support: number;
}

/** 95 % score interval of one proportion. Source: Wilson, JASA 22 (1927). */
function wilson({ errorRate, support }: Proportion): { low: number; high: number } {
  const square = (Z * Z) / support;
  const centre = (errorRate + square / 2) / (1 + square);
  const half = (Z / (1 + square)) * Math.sqrt((errorRate * (1 - errorRate)) / support + square / (4 * support));
  return { low: centre - half, high: centre + half };
}

/**
 * 95 % interval of `before` − `after`, taken as independent: wider than need be where the rows are the same.
 * Source: Newcombe, Statistics in Medicine 17 (1998), method 10.
 */
export function differenceInterval(before: Proportion, after: Proportion): { low: number; high: number } {
  const difference = before.errorRate - after.errorRate;
  const first = wilson(before);
  const second = wilson(after);
  return {
    low: difference - Math.hypot(before.errorRate - first.low, second.high - after.errorRate),
    high: difference + Math.hypot(first.high - before.errorRate, after.errorRate - second.low),
  };
}
