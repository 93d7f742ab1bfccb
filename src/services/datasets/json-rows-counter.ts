/**
 * Counts the rows of a file of JSON while it passes by: the elements of one array, pretty-printed or not. Says whether the file is
 * JSON Lines instead, whose lines are counted elsewhere. It follows brackets and strings and does not check the JSON.
 */

const LF = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
/** Blanks between JSON's tokens, and the three bytes of a byte order mark. */
const BLANKS = new Set([LF, 0x0d, 0x20, 0x09, 0xef, 0xbb, 0xbf]);

export class JsonRowsCounter {
  private depth = 0;
  private inString = false;
  private escaped = false;
  private isArray = false;
  /** The first value holds another list or object. */
  private nested = false;
  private elements = 0;
  private elementExpected = true;
  private state: 'before' | 'in the first value' | 'after it' | 'more' = 'before';
  private linesBreakInside = false;

  write(chunk: Buffer): void {
    // By index, as in RecordCounter; what follows the first value of JSON Lines need not be looked at.
    for (let at = 0; at < chunk.length && this.state !== 'more'; at += 1) this.step(chunk[at] as number);
  }

  /** Rows of one array; `lines` when each line is a value of its own; null when the file is neither. */
  rows(): number | 'lines' | null {
    if (this.state === 'more') return this.linesBreakInside ? null : 'lines';
    if (this.state !== 'after it') return null;
    if (this.isArray) return this.elements;
    // One object alone: a row, or a table written in one of many ways, such as by columns.
    return this.nested ? null : 1;
  }

  private step(byte: number): void {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (byte === BACKSLASH) this.escaped = true;
      else if (byte === QUOTE) this.inString = false;
      return;
    }
    if (BLANKS.has(byte)) {
      if (byte === LF && this.depth > 0) this.linesBreakInside = true;
      return;
    }
    if (this.state === 'after it') {
      this.state = 'more';
      return;
    }
    const opens = byte === OPEN_ARRAY || byte === OPEN_OBJECT;
    if (this.state === 'before') {
      this.state = 'in the first value';
      this.isArray = byte === OPEN_ARRAY;
    } else if (this.depth === 1) {
      this.countElement(byte);
      this.nested ||= opens;
    }
    if (byte === QUOTE) this.inString = true;
    else if (opens) this.depth += 1;
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) this.depth -= 1;
    if (this.depth === 0) this.state = 'after it';
  }

  /** At depth 1 of an array: what follows the bracket or a comma begins an element. */
  private countElement(byte: number): void {
    if (byte === COMMA) this.elementExpected = true;
    else if (this.elementExpected && byte !== CLOSE_ARRAY) {
      this.elements += 1;
      this.elementExpected = false;
    }
  }
}
