/**
 * A header with fewer names than the lines below it have fields: a column without a name, or a text that holds the delimiter? The
 * optimizer tells alike (`data_optimizer/parsing/short_header.py`). Not covered: cutting the lines accordingly (`delimited-head`).
 */
import columnNames from '../../contracts/column-names.json';
import { hasHeader, plainName } from './header';

export type Side = 'first' | 'last';
/** The columns that the user gave, by role. */
export type NamedColumns = Readonly<Record<string, string | number>>;

const NEARLY_ALL = 0.98;
/** In prose a blank follows the comma, but in a number. */
const PROSE_SHARE = 0.9;
const WHOLE_NUMBER = /^[0-9]+$/;
/** What people call a column that numbers the rows: the numbers below such a name are its own. */
const NAME_OF_NUMBERS = /^(?:(?:.*_)?(?:id|idx|no|nr|num|number|key)|(?:row|i)_index|index|row|#)$/;
const LABEL_NAMES = new Set(columnNames.roles.label);
const ROLES = new Map(Object.entries(columnNames.givenRoles));

/** Whether blanks follow the delimiter in nearly all records, as they follow a comma in prose, and not in the header. */
export function isProse(header: string[], records: string[][]): boolean {
  return records.filter(holdsBlanks).length >= PROSE_SHARE * records.length && !holdsBlanks(header);
}

function holdsBlanks(record: string[]): boolean {
  return record.slice(1).some((field) => field.startsWith(' '));
}

/**
 * Whether nearly all records begin with a whole number of their own that the header has no name for: so R writes row numbers.
 * `records` are those below the header, all with as many fields, more than it.
 */
export function lacksFirstName(header: string[], records: string[][]): boolean {
  const numbers = records.map(([first]) => first?.trim() ?? '').filter((first) => WHOLE_NUMBER.test(first));
  const filled = records.filter((record) => record[header.length]?.trim()).length;
  const width = records[0]?.length ?? 0;
  return (
    !NAME_OF_NUMBERS.test(plainName(header[0] ?? '')) &&
    WHOLE_NUMBER.test(records[0]?.[0]?.trim() ?? '') &&
    new Set(numbers).size >= NEARLY_ALL * records.length &&
    filled >= NEARLY_ALL * records.length &&
    hasHeader([['', ...header, ...Array<string>(width - header.length - 1).fill('')], ...records])
  );
}

/** Where a header of two names lets the label stand: on the side that it names so, else on either. */
export function labelSides(header: string[], named: NamedColumns): Side[] {
  const [first = '', last = ''] = header;
  const names = header.length === 2 ? [namesOutput(first, last, named), namesOutput(last, first, named)] : [];
  if (names[0] === names[1]) return ['first', 'last'];
  return names[0] ? ['first'] : ['last'];
}

function namesOutput(name: string, other: string, named: NamedColumns): boolean {
  const [output, input] = [plainName(name), plainName(other)];
  return (
    Object.entries(named).some(([role, column]) => column === name && ROLES.get(plainName(role)) === 'output') ||
    LABEL_NAMES.has(output) ||
    columnNames.roles.generationPairs.some(([given, wanted]) => given === input && wanted === output)
  );
}
