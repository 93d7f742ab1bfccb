/**
 * Records that are a label and a text, whose delimiters nobody quoted: on which side does the label stand? The optimizer tells alike
 * (`data_optimizer/parsing/label_side.py`).
 */
import columnNames from '../../contracts/column-names.json';
import { plainName } from './header';

export type Side = 'first' | 'last';
const SIDES: readonly Side[] = ['first', 'last'];
/** The columns that the user gave, by role. */
export type NamedColumns = Readonly<Record<string, string | number>>;

/** At most this share of the records may be too short, or begin a field with a quote, in a file that quotes nothing. */
const STRAY_SHARE = 0.02;
const MAX_LABEL_CHARACTERS = 60;
/** Numbers have commas too, and other sentences none. */
const PROSE_SHARE = 0.9;
const PROSE_DELIMITERS = [',', ';'];
const NUMBER = /^[-+]?[0-9]+(?:\.[0-9]+)?$/;
const LABEL_NAMES = new Set(columnNames.roles.label);
const ROLES = new Map(Object.entries(columnNames.givenRoles));

/** The side that a header of two names calls the label or the completion, by usual names or those `named` by the user. */
export function sideByName(header: string[], named: NamedColumns): Side | null {
  const [first = '', last = ''] = header;
  const isFirst = isOutput(first, last, named);
  if (header.length !== 2 || isFirst === isOutput(last, first, named)) return null;
  return isFirst ? 'first' : 'last';
}

function isOutput(name: string, other: string, named: NamedColumns): boolean {
  const [output, given] = [plainName(name), plainName(other)];
  const own = Object.entries(named).filter(([, column]) => plainName(String(column)) === output);
  return (
    own.some(([role]) => ROLES.get(plainName(role)) === 'output') ||
    LABEL_NAMES.has(output) ||
    columnNames.roles.generationPairs.some(([input, wanted]) => input === given && wanted === output)
  );
}

interface Lines {
  /** The lines cut at every delimiter, the header first. */
  records: string[][];
  delimiter: string;
  /** Nearly all are of one width: they are a label and a text only if the rest reads as prose, below a header of two names or none. */
  regular: boolean;
  /** Of a file sorted by class the top may show one only, and the optimizer sees the others. */
  fewestLabels: number;
}

/** The side of the label, null where the records are something else. */
export function labelSide({ records, delimiter, regular, fewestLabels }: Lines, byName: Side | null): Side | null {
  const allowed = STRAY_SHARE * records.length + 1;
  const cut = records.filter(({ length }) => length >= 2);
  const quoting = records.filter((record) => record.some((field) => field.trimStart().startsWith('"'))).length;
  if (records.length - cut.length > allowed || quoting > allowed) return null;
  const isLabel = (side: Side): boolean => holdsLabels(cut, side, { isNamed: side === byName, fewestLabels });
  if (regular && byName) return isProse(cut, delimiter, byName) && isLabel(byName) ? byName : null;
  if (regular) return SIDES.find((side) => isTorn(cut, delimiter, side) && isLabel(side)) ?? null;
  if (!cut.some(({ length }) => length === 2)) return null;
  return (byName === 'last' ? SIDES.toReversed() : SIDES).find(isLabel) ?? null;
}

/** Whether blanks stand where a text goes on after a comma, and nowhere else, in nearly all records but a header of two names. */
function isTorn(records: string[][], delimiter: string, label: Side): boolean {
  const [header, ...below] = records;
  if (!header || !PROSE_DELIMITERS.includes(delimiter)) return false;
  const isHeader = header.length === 2;
  const lines = isHeader ? below : records;
  if (!isHeader && !goesOnAlone(header, label)) return false;
  return lines.filter((record) => goesOnAlone(record, label)).length >= PROSE_SHARE * lines.length;
}

function goesOnAlone(record: string[], label: Side): boolean {
  const more = label === 'first' ? record.slice(2) : record.slice(1, -1);
  const start = label === 'first' ? record.slice(0, 2) : [record.at(0), record.at(-1)];
  const startsBlank = (field?: string): boolean => field?.startsWith(' ') ?? false;
  return more.length > 0 && !start.some(startsBlank) && more.every(startsBlank);
}

/** Whether nearly all texts, cut at the delimiter, go on with a blank after it as after a comma, and the header does not. */
export function holdsCommas(header: string[], texts: string[][], delimiter: string): boolean {
  if (!PROSE_DELIMITERS.includes(delimiter) || goesOn(header)) return false;
  return texts.filter(goesOn).length >= PROSE_SHARE * texts.length;
}

function goesOn(pieces: string[]): boolean {
  return pieces.slice(1).some((piece) => piece.startsWith(' '));
}

/** Whether the texts below the header of two names hold commas, or are pieces of several words, none of which is a label. */
function isProse([header = [], ...below]: string[][], delimiter: string, label: Side): boolean {
  const texts = below.map((record) => (label === 'first' ? record.slice(1) : record.slice(0, -1)));
  if (holdsCommas(header, texts, delimiter)) return true;
  const [first = '', last = ''] = header.map(plainName);
  const answers = columnNames.roles.generationPairs.some(
    ([given, wanted]) => (given === first && wanted === last) || (given === last && wanted === first),
  );
  const worded = texts.filter((text) => text.every((piece) => piece.trim().includes(' '))).length;
  const alike = texts.filter(({ length }) => length === texts[0]?.length);
  const isLabel = (place: number): boolean =>
    holdsLabels(
      alike.map((text) => [text[place] ?? '']),
      'first',
      { isNamed: false, fewestLabels: 2 },
    );
  return !answers && worded >= PROSE_SHARE * texts.length && !texts[0]?.some((_, place) => isLabel(place));
}

/** Whether the fields of that side are a few short values that come again, or numbers where the header calls them the answer. */
function holdsLabels(
  records: string[][],
  side: Side,
  { isNamed, fewestLabels }: { isNamed: boolean; fewestLabels: number },
): boolean {
  const allowed = STRAY_SHARE * records.length + 1;
  const values = records.map((record) => record.at(side === 'first' ? 0 : -1)?.trim() ?? '');
  if (isNamed && values.filter((value) => !NUMBER.test(value)).length <= allowed) return true;
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const missing = counts.get('') ?? 0;
  counts.delete('');
  const kept = [...counts].filter(([label, count]) => count > 1 && [...label].length <= MAX_LABEL_CHARACTERS);
  const odd = records.length - missing - kept.reduce((total, [, count]) => total + count, 0);
  // A small sample of many classes has some of them once.
  const quarter = Math.floor(records.length / 4);
  const [mostLabels, mostOdd] = isNamed ? [Math.floor(records.length / 2), quarter] : [quarter, allowed];
  return fewestLabels <= kept.length && kept.length <= mostLabels && odd <= mostOdd && 2 * missing <= records.length;
}
