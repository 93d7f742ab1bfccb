/**
 * Is the first record of a CSV or TSV file a header? The optimizer's rule (`data_optimizer/parsing/header.py`), so that the record
 * count shown after an upload is the one it finds; `contracts/examples/headers.json` holds both to it.
 */
import columnNames from '../../contracts/column-names.json';

/** Records after the first that are looked at. */
export const HEADER_SAMPLE_ROWS = 500;
const NUMBER = /^[-+]?[0-9]+(?:[.,][0-9]+)?$/;
const MAX_NAME_CHARACTERS = 60;
/** A longer cell beside a known name is a text, and the known name a label that happens to be called so. */
const MAX_NAME_WORDS = 6;
const KNOWN = new Set(columnNames.names);

const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** A column name for comparison: lower case; blanks, hyphens and the humps of camel case as underscores. */
export function plainName(name: string): string {
  return words(
    name
      .replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')
      .toLowerCase()
      .replaceAll('-', ' '),
  ).join('_');
}

/** True when people use this as the name of a column of a data set. */
export function isKnownName(name: string): boolean {
  return KNOWN.has(plainName(name));
}

/** True when the first record is a header. All records must have as many fields as it. */
export function hasHeader(records: readonly (readonly string[])[]): boolean {
  const [head, ...rest] = records;
  if (!head) return false;
  if (rest.length === 0) return head.every(isKnownName);
  const first = head.map((cell) => cell.trim());
  const sample = rest.slice(0, HEADER_SAMPLE_ROWS);
  const columns = first.map((_, index) => sample.map((record) => (record[index] ?? '').trim()));
  const filled = first.filter(Boolean).map((name) => name.toLowerCase());
  if (filled.length === 0 || new Set(filled).size < filled.length) return false;
  if (filled.some((name) => [...name].length > MAX_NAME_CHARACTERS || NUMBER.test(name))) return false;
  const known = first.some((name, index) => isKnownName(name) && !columns[index]?.includes(name));
  if (known && filled.every((name) => words(name).length <= MAX_NAME_WORDS)) return true;
  const verdicts = first.map((name, index) => differs(name, columns[index] ?? []));
  return verdicts.includes(true) && !verdicts.includes(false);
}

/** True where the name breaks the column's pattern, false where it fits, null where the column has none. */
function differs(name: string, column: readonly string[]): boolean | null {
  const filled = column.filter(Boolean);
  if (filled.length === 0) return null;
  if (filled.every((value) => NUMBER.test(value))) return true;
  const distinct = new Set(filled);
  if (filled.length >= 10 && distinct.size <= Math.floor(filled.length / 3)) return !distinct.has(name);
  const lengths = filled.map((value) => words(value).length).sort((a, b) => a - b);
  const usualWords = lengths[Math.floor(lengths.length / 2)] ?? 0;
  if (usualWords >= 4) return words(name).length === 1 && /^[\p{L}\p{N}]+$/u.test(name.replace(/[_-]/g, ''));
  return null;
}
