/**
 * Hyperparameters that decide how a training is run and not what comes out of it: they may change while a task is suspended, and the
 * training that goes on still ends with the weights that it would have had. Pure.
 */

/** Seconds allowed, by name. */
const NEUTRAL: Readonly<Record<string, { minimum: number; maximum: number }>> = {
  checkpoint_interval_seconds: { minimum: 1, maximum: 86_400 },
};

/** What is wrong with a change, one sentence each; empty when it may be made. */
export function neutralHyperparameterFaults(change: unknown): string[] {
  const entries = typeof change === 'object' && change !== null ? Object.entries(change) : [];
  if (entries.length === 0) return [`hyperparameters: name at least one of ${Object.keys(NEUTRAL).join(', ')}`];
  return entries.flatMap(([name, value]) => faultOf(name, value) ?? []);
}

function faultOf(name: string, value: unknown): string | null {
  const range = Object.hasOwn(NEUTRAL, name) ? NEUTRAL[name] : undefined;
  if (!range) {
    const known = Object.keys(NEUTRAL).join(', ');
    return `hyperparameters.${name}: would change what the training ends with; while a task is suspended only ${known} can change`;
  }
  if (typeof value === 'number' && value >= range.minimum && value <= range.maximum) return null;
  return `hyperparameters.${name}: must be a number from ${range.minimum} to ${range.maximum}`;
}
