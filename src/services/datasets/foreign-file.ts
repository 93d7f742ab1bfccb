/**
 * Files that hold no rows we can read, told by their first bytes. The optimizer refuses the same ones
 * (`data_optimizer/parsing/source_text.py`); `contracts/foreign-files.json` lists them for both.
 */
import foreignFiles from '../../contracts/foreign-files.json';

const KINDS = foreignFiles.map(({ mark, kind }) => ({ mark: Buffer.from(mark, 'hex'), kind }));

/** What the file that begins so is, as in "is a PDF"; null when nothing speaks against it. */
export function foreignKind(beginning: Buffer): string | null {
  return KINDS.find(({ mark }) => beginning.subarray(0, mark.length).equals(mark))?.kind ?? null;
}
