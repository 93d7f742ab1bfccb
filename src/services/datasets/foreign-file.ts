/**
 * Files that hold no rows we can read, told by their first bytes. The optimizer refuses the same ones
 * (`data_optimizer/parsing/source_text.py`); `contracts/foreign-files.json` lists them for both.
 */
import foreignFiles from '../../contracts/foreign-files.json';

/** As many as the longest beginning needs. */
const BEGINNING_BYTES = 512;
const KINDS = foreignFiles.map(({ begins, kind }) => ({ begins: new RegExp(begins), kind }));

/** What the file that begins so is, as in "is a PDF"; null when nothing speaks against it. */
export function foreignKind(beginning: Buffer): string | null {
  const text = beginning.toString('latin1', 0, BEGINNING_BYTES);
  return KINDS.find(({ begins }) => begins.test(text))?.kind ?? null;
}
