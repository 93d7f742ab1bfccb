/**
 * Counts the records of an upload while it passes by, in constant memory: lines of JSONL, records of CSV and TSV with their
 * quotes. It looks at bytes, never changes or judges them; what cannot be counted this way (Parquet, UTF-16) is null.
 */
import { looksLikeHeader } from './header-line';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
const DELIMITERS = new Set([...',;\t|'].map((character) => character.charCodeAt(0)));
const FIRST_LINE_BYTES = 64 * 1024;

type Kind = 'lines' | 'quoted' | 'uncountable';

/** What the user said about the file; null where it is to be detected. */
export interface RecordHints {
  format: 'csv' | 'tsv' | 'jsonl' | 'parquet' | null;
  columns: Record<string, string | number> | null;
}

export class RecordCounter {
  private readonly firstLine: Buffer[] = [];
  private firstLineBytes = 0;
  private firstLineDone = false;
  private kind: Kind | null = null;
  private lines = 0;
  private records = 0;
  private lineHasText = false;
  private recordHasText = false;
  private inQuotes = false;
  /** The byte before opened a field, so that a quote here opens a quoted one. */
  private atFieldStart = true;

  write(chunk: Buffer): void {
    this.kind ??= kindOf(chunk);
    if (this.kind === 'uncountable') return;
    this.keepFirstLine(chunk);
    // By index: iterating a Buffer costs several times as much, and this runs for every byte of every upload.
    for (let at = 0; at < chunk.length; at += 1) this.step(chunk[at] as number);
  }

  private step(byte: number): void {
    if (byte === LF) {
      if (this.lineHasText) this.lines += 1;
      this.lineHasText = false;
      if (!this.inQuotes) {
        if (this.recordHasText) this.records += 1;
        this.recordHasText = false;
        this.atFieldStart = true;
      }
      return;
    }
    if (byte === QUOTE) {
      // A doubled quote closes and opens again. One inside an unquoted field is text.
      if (this.inQuotes || this.atFieldStart) this.inQuotes = !this.inQuotes;
      this.lineHasText = true;
      this.recordHasText = true;
      return;
    }
    if (byte !== CR && byte !== SPACE && byte !== TAB) {
      this.lineHasText = true;
      this.recordHasText = true;
    }
    if (!this.inQuotes) this.atFieldStart = DELIMITERS.has(byte);
  }

  private keepFirstLine(chunk: Buffer): void {
    if (this.firstLineDone) return;
    const end = chunk.indexOf(LF);
    const part = (end === -1 ? chunk : chunk.subarray(0, end)).subarray(0, FIRST_LINE_BYTES - this.firstLineBytes);
    this.firstLine.push(Buffer.from(part));
    this.firstLineBytes += part.length;
    this.firstLineDone = end !== -1 || this.firstLineBytes >= FIRST_LINE_BYTES;
  }

  /** Records seen, a header line left out; null when they cannot be counted. */
  count(hints: RecordHints): number | null {
    if (this.kind === null) return 0;
    if (this.kind === 'uncountable' || hints.format === 'parquet') return null;
    const byLines = this.lines + (this.lineHasText ? 1 : 0);
    const asJson = hints.format === 'jsonl' || (hints.format === null && this.kind === 'lines');
    if (asJson) return byLines;
    // A quote that never closes is a fault of the file; lines are then the better guess.
    const byRecords = this.inQuotes ? byLines : this.records + (this.recordHasText ? 1 : 0);
    const first = Buffer.concat(this.firstLine).toString('utf8');
    return Math.max(0, byRecords - (looksLikeHeader(first, hints.columns) ? 1 : 0));
  }
}

function kindOf(chunk: Buffer): Kind {
  if (chunk.subarray(0, 4).toString('latin1') === 'PAR1') return 'uncountable';
  const start = chunk.readUIntBE(0, Math.min(2, chunk.length));
  if (start === 0xfffe || start === 0xfeff) return 'uncountable';
  const text = chunk
    .subarray(0, 1024)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  return text.startsWith('{') || text.startsWith('[') ? 'lines' : 'quoted';
}
