/**
 * Is the first line of a CSV or TSV file a header? Only for the record count shown after an upload; the optimizer decides for
 * itself when it reads the file.
 */

/** Names under which public data sets keep their columns. */
const USUAL_NAMES = new Set(
  (
    'text sentence utterance query message content review comment title body document input prompt instruction question problem ' +
    'context messages conversation passage premise hypothesis ' +
    'label labels intent category class target sentiment topic tag output completion answer response solution reply final_answer ' +
    'id idx index split source language lang score rating date'
  ).split(' '),
);

function cells(line: string): string[] {
  const delimiter = [',', '\t', ';', '|'].reduce((best, one) =>
    line.split(one).length > line.split(best).length ? one : best,
  );
  return line
    .replace(/^\uFEFF/, '')
    .trim()
    .split(delimiter)
    .map((cell) =>
      cell
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .trim(),
    );
}

/** True when a column is named as one of its cells, or when all cells are distinct short names and one is a usual one. */
export function looksLikeHeader(line: string, columns: Record<string, string | number> | null): boolean {
  const names = cells(line);
  const named = Object.values(columns ?? {});
  if (named.some((column) => typeof column === 'number')) return false;
  if (named.length > 0) return named.every((column) => names.includes(String(column)));
  if (new Set(names).size !== names.length) return false;
  const short = names.every(
    (name) => name === '' || (name.length <= 64 && /^[\p{L}_][\p{L}\p{N}_ .\-/]*$/u.test(name)),
  );
  return short && names.some((name) => USUAL_NAMES.has(name.toLowerCase().replace(/[ -]/g, '_')));
}
