/**
 * Whether `columns` can name the columns of a data set: known roles, an input and an output among them. What needs no look into the
 * file; whether the file has the columns is for the optimizer to say.
 */
import columnNames from '../../contracts/column-names.json';
import { plainName } from './header';

const ROLES = new Map(Object.entries(columnNames.givenRoles));

/** What is wrong with the roles, as a sentence without a subject; null when nothing is. */
export function columnRolesFault(columns: Record<string, unknown>): string | null {
  const roles = Object.keys(columns);
  const unknown = roles.find((role) => !ROLES.has(plainName(role)));
  if (unknown !== undefined)
    return `names the role ${JSON.stringify(unknown)}; known roles are ${[...ROLES.keys()].sort().join(', ')}`;
  const meanings = new Set(roles.map((role) => ROLES.get(plainName(role))));
  if (meanings.has('messages')) return null;
  const input = meanings.has('input') || meanings.has('context');
  return input && meanings.has('output')
    ? null
    : 'must name an input (text or prompt) and an output (label or completion)';
}
