/**
 * Edits of a running loop's stop conditions. Pure, and safe for input from anyone: updates reach the workflow from REST, where they
 * were checked before, and from the Temporal CLI, where they were not.
 */
import { MAX_ITERATIONS, MAX_PATIENCE, type StopConditions } from './stop-conditions';

type Check = (value: unknown) => string | null;

const wholeUpTo =
  (most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most
      ? null
      : `must be a whole number from 1 to ${most}`;

const finite: Check = (value) => (Number.isFinite(value) ? null : 'must be a number');

const positive: Check = (value) =>
  Number.isFinite(value) && (value as number) > 0 ? null : 'must be a positive number';

const orNull =
  (check: Check): Check =>
  (value) =>
    value === null ? null : check(value);

const record =
  (fields: Record<string, { check: Check; optional?: boolean }>): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
    const given = value as Record<string, unknown>;
    for (const name of Object.keys(given)) if (!(name in fields)) return `has no field ${name}`;
    for (const [name, { check, optional }] of Object.entries(fields)) {
      if (given[name] === undefined && optional) continue;
      const fault = check(given[name]);
      if (fault) return `${name} ${fault}`;
    }
    return null;
  };

const time: Check = (value) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))
    ? null
    : 'must be a time such as 2030-01-31T12:00:00Z';

const CHECKS: Record<keyof StopConditions, Check> = {
  maxIterations: wholeUpTo(MAX_ITERATIONS),
  performanceThreshold: orNull(finite),
  rule: (value) => (value === 'point' || value === 'lower_bound' ? null : 'must be point or lower_bound'),
  plateau: orNull(record({ patience: { check: wholeUpTo(MAX_PATIENCE) }, minimumGain: { check: finite } })),
  budget: orNull(
    record({
      wallSeconds: { check: orNull(positive), optional: true },
      trainingSeconds: { check: orNull(positive), optional: true },
    }),
  ),
  deadline: orNull(time),
};

/** What is wrong with a patch, one sentence per field; empty when it can be applied. */
export function stopConditionFaults(patch: unknown): string[] {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return ['stop conditions must be an object'];
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  if (given.length === 0) return [`name at least one of ${Object.keys(CHECKS).join(', ')}`];
  return given.flatMap(([name, value]) => {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof StopConditions] : undefined;
    const fault = check ? check(value) : 'is not a stop condition';
    return fault ? [`${name} ${fault}`] : [];
  });
}

/** The conditions with the patch's fields in their place. The patch must have no faults. */
export function withPatch(conditions: StopConditions, patch: Partial<StopConditions>): StopConditions {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  const merged = { ...conditions, ...given };
  const budget = merged.budget && {
    wallSeconds: merged.budget.wallSeconds ?? null,
    trainingSeconds: merged.budget.trainingSeconds ?? null,
  };
  return { ...merged, budget };
}
