/**
 * A first column that numbers the rows and that the header has no name for: so R writes its row names. The optimizer tells alike
 * (`data_optimizer/parsing/row_numbers.py`).
 */
import columnNames from '../../contracts/column-names.json';
import { hasHeader, plainName } from './header';
import type { NamedColumns } from './label-side';

const NEARLY_ALL = 0.98;
const WHOLE_NUMBER = /^[0-9]+$/;
const TEXT_NAMES = new Set(columnNames.roles.text);
const LABEL_NAMES = new Set(columnNames.roles.label);
/** What people call a column that numbers the rows: the numbers below such a name are its own. */
const NAME_OF_NUMBERS = /^(?:(?:.*_)?(?:id|idx|no|nr|num|number|key)|#|row)$/;
const LABEL_ROLES = new Set(['label', 'intent', 'category', 'class']);
const ROLES = new Map(Object.entries(columnNames.givenRoles));
const OTHER_NAMES = new Set(columnNames.roles.other);

/**
 * Whether the records begin with whole numbers, nearly each its own, above which a name is missing, and not after them. `records`
 * are those right below the header, all with as many fields, one more than it at least; `named` the user's columns.
 */
export function lacksFirstName(header: string[], records: string[][], named: NamedColumns): boolean {
  const [name = ''] = header;
  const columns = [...header, null].map((_, place) => records.map((record) => record[place]?.trim() ?? ''));
  const numbers = new Set(columns[0]?.filter((value) => WHOLE_NUMBER.test(value)));
  const padding = Array<string>(Math.max(0, (records[0]?.length ?? 0) - header.length - 1)).fill('');
  return (
    WHOLE_NUMBER.test(columns[0]?.[0] ?? '') &&
    numbers.size >= NEARLY_ALL * records.length &&
    (columns.at(-1)?.filter(Boolean).length ?? 0) >= NEARLY_ALL * records.length &&
    !OTHER_NAMES.has(plainName(name)) &&
    !NAME_OF_NUMBERS.test(plainName(name)) &&
    misnamed(header, columns.slice(1), named) <= misnamed(header, columns.slice(0, -1), named) &&
    hasHeader([['', ...header, ...padding], ...records])
  );
}

/** How many columns are not what they are called: a text that is a number or one of a few words, a label of many values. */
function misnamed(header: string[], columns: string[][], named: NamedColumns): number {
  const roles = new Map(Object.entries(named).map(([role, column]) => [plainName(String(column)), plainName(role)]));
  return header.map(plainName).filter((name, place) => {
    const column = columns[place] ?? [];
    const few = new Set(column).size <= Math.max(2, Math.floor(column.length / 3));
    const words = column.filter((value) => !value.includes(' ')).length > Math.floor(column.length / 2);
    const numbers = column.every((value) => WHOLE_NUMBER.test(value));
    const role = roles.get(name) ?? '';
    const isText = TEXT_NAMES.has(name) || ROLES.get(role) === 'input';
    return (isText && (numbers || (few && words))) || ((LABEL_NAMES.has(name) || LABEL_ROLES.has(role)) && !few);
  }).length;
}
