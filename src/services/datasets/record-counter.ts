/**
 * Counts the records of an upload while it passes by, in bounded memory: lines of JSONL, elements of a JSON array, records of CSV
 * and TSV with their quotes. It looks at bytes, never changes or judges them; what cannot be counted this way (Parquet, UTF-16,
 * JSON by columns) is null.
 */
import { EXCEL_DELIMITER, headRecords } from './delimited-head';
import { HEADER_SAMPLE_ROWS, hasHeader } from './header';
import { JsonRowsCounter } from './json-rows-counter';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
const DELIMITERS = new Set([...',;\t|'].map((character) => character.charCodeAt(0)));
/** Enough to tell JSON and CSV apart; the first chunk should have as many. */
export const KIND_BYTES = 1024;
/** Kept of the beginning, to judge the header by. */
const HEAD_BYTES = 1024 ** 2;

type Kind = 'json' | 'delimited' | 'uncountable';

/** What the user said about the file; null where it is to be detected. */
export interface RecordHints {
  format: 'csv' | 'tsv' | 'jsonl' | 'parquet' | null;
  columns: Record<string, string | number> | null;
}

export class RecordCounter {
  private readonly head: Buffer[] = [];
  private headBytes = 0;
  private headCutOff = false;
  private readonly json = new JsonRowsCounter();
  private kind: Kind | null = null;
  private lines = 0;
  private records = 0;
  private lineHasText = false;
  private recordHasText = false;
  private inQuotes = false;
  private afterReturn = false;
  /** The byte before opened a field, so that a quote here opens a quoted one. */
  private atFieldStart = true;

  write(chunk: Buffer): void {
    this.kind ??= kindOf(chunk);
    if (this.kind === 'uncountable') return;
    this.keepHead(chunk);
    if (this.kind === 'json') this.json.write(chunk);
    // By index: iterating a Buffer costs several times as much, and this runs for every byte of every upload.
    for (let at = 0; at < chunk.length; at += 1) this.step(chunk[at] as number);
  }

  private step(byte: number): void {
    // A carriage return ends a line alone as well.
    if (this.afterReturn && byte !== LF) this.endLine();
    this.afterReturn = byte === CR;
    if (byte === CR) return;
    if (byte === LF) {
      this.endLine();
      return;
    }
    if (byte === QUOTE) {
      // A doubled quote closes and opens again. One inside an unquoted field is text.
      if (this.inQuotes || this.atFieldStart) this.inQuotes = !this.inQuotes;
      this.lineHasText = true;
      this.recordHasText = true;
      return;
    }
    if (byte !== SPACE && byte !== TAB) {
      this.lineHasText = true;
      this.recordHasText = true;
    }
    if (!this.inQuotes) this.atFieldStart = DELIMITERS.has(byte);
  }

  private endLine(): void {
    if (this.lineHasText) this.lines += 1;
    this.lineHasText = false;
    if (this.inQuotes) return;
    if (this.recordHasText) this.records += 1;
    this.recordHasText = false;
    this.atFieldStart = true;
  }

  private keepHead(chunk: Buffer): void {
    if (this.headCutOff) return;
    const part = chunk.subarray(0, HEAD_BYTES - this.headBytes);
    this.headCutOff = part.length < chunk.length || this.records > HEADER_SAMPLE_ROWS;
    if (this.records > HEADER_SAMPLE_ROWS) return;
    this.head.push(Buffer.from(part));
    this.headBytes += part.length;
  }

  /** Records seen, a header left out; null when they cannot be counted. */
  count(hints: RecordHints): number | null {
    if (this.kind === null) return 0;
    if (this.kind === 'uncountable' || hints.format === 'parquet') return null;
    const byLines = this.lines + (this.lineHasText ? 1 : 0);
    if (hints.format === 'jsonl' || (hints.format === null && this.kind === 'json')) {
      const rows = this.kind === 'json' ? this.json.rows() : 'lines';
      return rows === 'lines' ? byLines : rows;
    }
    // A quote that never closes is a fault of the file; lines are then the better guess.
    const byRecords = this.inQuotes ? byLines : this.records + (this.recordHasText ? 1 : 0);
    const head = this.headText();
    const notRows = (EXCEL_DELIMITER.test(head) ? 1 : 0) + (isHeaded(head, hints, this.headCutOff) ? 1 : 0);
    return Math.max(0, byRecords - notRows);
  }

  private headText(): string {
    return Buffer.concat(this.head)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .replace(/\r\n?/g, '\n');
  }
}

function isHeaded(text: string, { format, columns }: RecordHints, cutOff: boolean): boolean {
  const records = headRecords(text, format === 'tsv' ? '\t' : null, columns ?? {}, cutOff);
  const first = records[0]?.map((cell) => cell.trim()) ?? [];
  const named = Object.values(columns ?? {}).filter((column) => typeof column === 'string');
  return (named.length > 0 && named.every((name) => first.includes(name))) || hasHeader(records);
}

function kindOf(chunk: Buffer): Kind {
  if (chunk.subarray(0, 4).toString('latin1') === 'PAR1') return 'uncountable';
  const start = chunk.readUIntBE(0, Math.min(2, chunk.length));
  if (start === 0xfffe || start === 0xfeff) return 'uncountable';
  const text = chunk
    .subarray(0, KIND_BYTES)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  return text.startsWith('{') || text.startsWith('[') ? 'json' : 'delimited';
}
