/**
 * The records at the top of a CSV or TSV file, enough to see whether the first one is a header. Delimiter, usual width and the side of
 * a label are found as the optimizer finds them (`data_optimizer/parsing/delimiter.py`); `contracts/examples/delimited-heads.json`
 * holds both to it. Not covered: stray quotes, which the optimizer mends.
 */
import { HEADER_SAMPLE_ROWS, isKnownName } from './header';
import { holdsCommas, labelSide, sideByName, type NamedColumns, type Side } from './label-side';
import { lacksFirstName } from './row-numbers';

/** In order of preference where several would do. */
const DELIMITERS = ['\t', '|', ',', ';'] as const;
const MIN_SHARE = 0.6;
/** A difference in regularity below this does not decide between two delimiters. */
const CLEAR_LEAD = 0.02;
/** What a header of known names, or blanks after the delimiter as after a comma in prose, weigh against regularity. */
const EVIDENCE = 0.1;

/** Fewer records of the usual width than this share, and the delimiter is taken to stand in the text too. */
const REGULAR_SHARE = 0.98;

/** A first line that tells Excel the delimiter: no record. */
export const EXCEL_DELIMITER = /^"?sep=(.)"?[^\S\n]*\n/;

type Records = string[][];

/**
 * The first records of `text` that have the usual number of fields, the first of all and those of the header's sample.
 * `delimiter` null: it is found out. `named`: the columns that the user gave. `cutOff`: the text goes on after its end, so its last
 * record may not be whole.
 */
export function headRecords(text: string, delimiter: string | null, named: NamedColumns, cutOff: boolean): Records {
  const told = EXCEL_DELIMITER.exec(text);
  if (told) return headRecords(text.slice(told[0].length), told[1] ?? null, named, cutOff);
  const whole = (one: string): Records => withoutTail(split(text, one), cutOff);
  const [separator, records] =
    delimiter === null ? bestOf(DELIMITERS.map((one) => [one, whole(one)])) : [delimiter, whole(delimiter)];
  const { least, width } = widths(records);
  const fits = ({ length }: string[]): boolean => least <= length && length <= width;
  const padded = (record: string[]): string[] => [...record, ...Array<string>(width - record.length).fill('')];
  const [header = [], ...rest] = records;
  const names = header.map((name) => name.trim());
  const below = rest.filter(fits).map(padded);
  if (
    names.length === least - 1 &&
    below.length >= REGULAR_SHARE * rest.length &&
    lacksFirstName(names, below, named)
  ) {
    const texts = below.map((record) => record.slice(1));
    if (text.includes('"') || !holdsCommas(header, texts, separator)) return [padded(['', ...names]), ...below];
  }
  const lines = withoutTail(text.split('\n'), cutOff).filter((line) => line.trim() !== '');
  const plain = lines.map((line) => line.split(separator));
  const side = sideOf(plain, separator, sideByName(names, named), cutOff);
  if (side) {
    const top = plain.slice(0, HEADER_SAMPLE_ROWS + 1);
    return top.map((fields) => cutAtLabel(fields, side, separator)).filter(({ length }) => length === 2);
  }
  return records.filter(fits).map(padded);
}

function withoutTail<Item>(items: Item[], cutOff: boolean): Item[] {
  return cutOff && items.length > 1 ? items.slice(0, -1) : items;
}

function sideOf(records: Records, delimiter: string, byName: Side | null, cutOff: boolean): Side | null {
  const { least, width } = widths(records);
  const below = records.slice(1); // A header may be shorter.
  const usual = below.filter(({ length }) => least <= length && length <= width);
  const regular = usual.length >= REGULAR_SHARE * below.length;
  const fewestLabels = cutOff ? 1 : 2;
  return regular && least <= 2 ? null : labelSide({ records, delimiter, regular, fewestLabels }, byName);
}

/** The fields of a line around its outermost delimiter, in their order; as its quotes say where those make two fields. */
function cutAtLabel(fields: string[], side: Side, delimiter: string): string[] {
  if (fields.length < 2) return fields;
  const quoted = fields.some((field) => field.startsWith('"')) ? split(fields.join(delimiter), delimiter)[0] : null;
  if (quoted?.length === 2) return quoted;
  const at = side === 'first' ? 1 : -1;
  return [fields.slice(0, at).join(delimiter), fields.slice(at).join(delimiter)];
}

/** The usual number of fields, and how many a record must have: those after are empty in all others, as where delimiters end the lines. */
function widths(records: Records): { least: number; width: number } {
  const width = usualWidth(records);
  const filled = records
    .filter(({ length }) => length === width)
    .map((record) => record.findLastIndex((field) => field.trim() !== '') + 1);
  return { least: Math.min(width, Math.max(2, ...filled)), width };
}

/** The delimiter with the most regular records of two or more fields, and these; a comma when none is regular. */
function bestOf(readings: [string, Records][]): [string, Records] {
  let best = readings.find(([delimiter]) => delimiter === ',') as [string, Records];
  let bestScore = 0;
  for (const [delimiter, records] of readings) {
    const width = usualWidth(records);
    const regular = records.filter((record) => record.length === width);
    const share = regular.length / Math.max(1, records.length);
    if (width < 2 || share < MIN_SHARE) continue;
    const prose =
      regular.filter((record) => record.slice(1).some((cell) => cell.startsWith(' '))).length / regular.length;
    const score = share + EVIDENCE * ((records[0]?.some(isKnownName) ? 1 : 0) - prose);
    if (score > bestScore + CLEAR_LEAD) [best, bestScore] = [[delimiter, records], score];
  }
  return best;
}

/** The commonest number of fields; of equally common ones the largest. */
function usualWidth(records: Records): number {
  const counts = tally(records.map(({ length }) => length));
  const [commonest] = [...counts].sort(([widthA, a], [widthB, b]) => b - a || widthB - widthA);
  return commonest?.[0] ?? 1;
}

function tally<Item>(items: Item[]): Map<Item, number> {
  const counts = new Map<Item, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

/** Splits as RFC 4180 does; a quote inside an unquoted field is text. Blank records are left out. */
function split(text: string, delimiter: string): Records {
  const records: Records = [];
  let record: string[] = [];
  let cell = '';
  let [quoted, atStart] = [false, true];
  const endCell = (): void => {
    record.push(cell);
    [cell, atStart] = ['', true];
  };
  const endRecord = (): void => {
    endCell();
    if (record.some((one) => one.trim() !== '')) records.push(record);
    record = [];
  };
  for (let at = 0; at < text.length && records.length <= HEADER_SAMPLE_ROWS; at += 1) {
    const character = text[at] as string;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') cell += text[(at += 1)];
      else quoted = false;
    } else if (character === '"' && atStart) [quoted, atStart] = [true, false];
    else if (character === delimiter) endCell();
    else if (character === '\n') endRecord();
    else {
      cell += character;
      atStart = false;
    }
  }
  if (cell !== '' || record.length > 0) endRecord();
  return records;
}
