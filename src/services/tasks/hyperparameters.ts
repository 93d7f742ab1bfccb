/** Checks hyperparameters against a model's rules. Null means "as the model would choose", and is left out. */
import { AppError } from '../../domain/errors';
import type { CatalogModel, HyperparameterRule } from './model-catalog';

export type Hyperparameters = Record<string, number | string | boolean>;

/** The range of a rule in words: `a number > 0 and ≤ 1`. */
export function rangeInWords(rule: HyperparameterRule): string {
  if (rule.enum) return `one of ${rule.enum.join(', ')}`;
  const kinds = { number: 'a number', integer: 'a whole number', string: 'text', boolean: 'true or false' };
  const bounds = [
    rule.exclusiveMinimum === undefined ? null : `> ${rule.exclusiveMinimum}`,
    rule.minimum === undefined ? null : `≥ ${rule.minimum}`,
    rule.maximum === undefined ? null : `≤ ${rule.maximum}`,
  ].filter((bound) => bound !== null);
  return [kinds[rule.type], bounds.join(' and ')].filter(Boolean).join(' ');
}

function fits(rule: HyperparameterRule, value: unknown): boolean {
  switch (rule.type) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string' && (rule.enum?.includes(value) ?? true);
    case 'integer':
    case 'number':
      return (
        typeof value === 'number' &&
        Number.isFinite(value) &&
        (rule.type === 'number' || Number.isSafeInteger(value)) &&
        (rule.minimum === undefined || value >= rule.minimum) &&
        (rule.exclusiveMinimum === undefined || value > rule.exclusiveMinimum) &&
        (rule.maximum === undefined || value <= rule.maximum)
      );
  }
}

/** The checked hyperparameters. Throws `HYPERPARAMETER_INVALID` naming each that is unknown or out of range. */
export function checkHyperparameters(model: CatalogModel, given: Record<string, unknown>): Hyperparameters {
  const checked: Hyperparameters = {};
  const faults: { field: string; message: string }[] = [];
  for (const [name, value] of Object.entries(given)) {
    const field = `hyperparameters.${name}`;
    const rule = Object.hasOwn(model.hyperparameters, name) ? model.hyperparameters[name] : undefined;
    if (!rule) {
      const known = Object.keys(model.hyperparameters).join(', ');
      faults.push({ field, message: `is not known for this model; known are ${known}` });
    } else if (value !== null && !fits(rule, value)) {
      faults.push({ field, message: `must be ${rangeInWords(rule)}` });
    } else if (value !== null) {
      checked[name] = value as Hyperparameters[string];
    }
  }
  const first = faults[0];
  if (first)
    throw new AppError('HYPERPARAMETER_INVALID', `${first.field}: ${first.message}`, { details: { fields: faults } });
  return checked;
}
