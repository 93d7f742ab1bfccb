/**
 * The records at the top of a CSV or TSV file, enough to see whether the first one is a header. Delimiters and the usual width are
 * found as the optimizer finds them (`data_optimizer/parsing/delimiter.py`). Not covered: stray quotes, texts whose commas nobody
 * quoted; the optimizer mends those.
 */
import { HEADER_SAMPLE_ROWS, isKnownName } from './header';

/** In order of preference where several would do. */
const DELIMITERS = ['\t', '|', ',', ';'] as const;
const MIN_SHARE = 0.6;
/** A difference in regularity below this does not decide between two delimiters. */
const CLEAR_LEAD = 0.02;
/** What a header of known names, or blanks after the delimiter as after a comma in prose, weigh against regularity. */
const EVIDENCE = 0.1;

type Records = string[][];

/**
 * The first records of `text` that have the usual number of fields, the first of all and those of the header's sample.
 * `delimiter` null: it is found out. `cutOff`: the text goes on after its end, so its last record may not be whole.
 */
export function headRecords(text: string, delimiter: string | null, cutOff: boolean): Records {
  const whole = (one: string): Records => {
    const records = split(text, one);
    return cutOff && records.length > 1 ? records.slice(0, -1) : records;
  };
  const records = delimiter === null ? bestOf(DELIMITERS.map(whole), whole(',')) : whole(delimiter);
  const first = records[0]?.length ?? 0;
  // The delimiter stands unquoted in the last column's text; the optimizer puts such fields together again.
  if (first >= 2 && records.every((record) => record.length >= first)) {
    return records.map((record) => [...record.slice(0, first - 1), record.slice(first - 1).join(',')]);
  }
  const width = usualWidth(records);
  return records.filter((record) => record.length === width);
}

/** The most regular of several readings with two or more fields; `otherwise` when none is regular. */
function bestOf(readings: Records[], otherwise: Records): Records {
  let [best, bestScore] = [otherwise, 0];
  for (const records of readings) {
    const width = usualWidth(records);
    const regular = records.filter((record) => record.length === width);
    const share = regular.length / Math.max(1, records.length);
    if (width < 2 || share < MIN_SHARE) continue;
    const prose =
      regular.filter((record) => record.slice(1).some((cell) => cell.startsWith(' '))).length / regular.length;
    const score = share + EVIDENCE * ((records[0]?.some(isKnownName) ? 1 : 0) - prose);
    if (score > bestScore + CLEAR_LEAD) [best, bestScore] = [records, score];
  }
  return best;
}

/** The commonest number of fields; of equally common ones the largest. */
function usualWidth(records: Records): number {
  const counts = new Map<number, number>();
  for (const { length } of records) counts.set(length, (counts.get(length) ?? 0) + 1);
  const [commonest] = [...counts].sort(([widthA, a], [widthB, b]) => b - a || widthB - widthA);
  return commonest?.[0] ?? 1;
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
