/**
 * Whether `columns` can name the columns of a data set: known roles, one column each, an input and an output among them. What needs
 * no look into the file; whether the file has the columns is for the optimizer to say. It asks the same of the roles
 * (`data_optimizer/parsing/column_roles.py`); `contracts/examples/column-roles.json` holds both to the same words.
 */
import columnNames from '../../contracts/column-names.json';
import { plainName } from './header';

const ROLES = new Map(Object.entries(columnNames.givenRoles));

/** What is wrong with the roles, as a sentence without a subject; null when nothing is. Without any, the columns are detected. */
export function columnRolesFault(columns: Record<string, unknown>): string | null {
  const roleOf = new Map<string, string>();
  const roleWith = new Map<unknown, string>();
  for (const [role, column] of Object.entries(columns)) {
    const meaning = ROLES.get(plainName(role));
    if (meaning === undefined)
      return `names the role ${JSON.stringify(role)}; known roles are ${[...ROLES.keys()].sort().join(', ')}`;
    const other = roleOf.get(meaning);
    if (other !== undefined)
      return `names ${JSON.stringify(other)} and ${JSON.stringify(role)}, which are one and the same role; name one of them`;
    const neighbour = roleWith.get(column);
    if (neighbour !== undefined)
      return `gives the column ${JSON.stringify(column)} to ${JSON.stringify(neighbour)} and ${JSON.stringify(role)}; each needs a column of its own`;
    roleOf.set(meaning, role);
    roleWith.set(column, role);
  }
  if (roleOf.size === 0 || roleOf.has('messages')) return null;
  const input = roleOf.has('input') || roleOf.has('context');
  return input && roleOf.has('output')
    ? null
    : 'must name an input (text or prompt) and an output (label or completion)';
}
