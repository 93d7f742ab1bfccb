/**
 * Tables from the evaluator's own report. It is a file of another process: a part that is not as expected is left out of the page.
 */
import { table } from './elements';
import { escapeHtml, formatNumber } from './escape';

/** A larger matrix is not readable as one; its most frequent confusions are shown instead. */
const MAX_MATRIX_LABELS = 24;
const MAX_ROWS = 50;
const MAX_COLUMNS = 8;
/** Of texts, which take several lines each. */
const OPEN_ROWS = 6;

interface Confusion {
  labels: string[];
  /** Non-empty cells: index of the wanted label, index of the predicted one, rows. */
  cells: [number, number, number][];
}

/** The confusion matrix, or for many classes a list of the most frequent confusions. Empty when it is anything else. */
export function confusionTable(confusion: unknown): string {
  if (!isConfusion(confusion)) return '';
  return confusion.labels.length <= MAX_MATRIX_LABELS ? matrixTable(confusion) : pairTable(confusion);
}

function matrixTable({ labels, cells }: Confusion): string {
  const counts = new Map(cells.map(([wanted, predicted, rows]) => [`${wanted},${predicted}`, rows]));
  // Shares of the row: a rare label's errors are as visible as a frequent one's.
  const wantedRows = labels.map((_, wanted) =>
    labels.reduce((sum, _label, predicted) => sum + (counts.get(`${wanted},${predicted}`) ?? 0), 0),
  );
  const names = labels.map((label) => escapeHtml(label, 24));
  const head = names.map((name) => `<th><span class="column">${name}</span></th>`).join('');
  const rows = labels.map((_, wanted) => {
    const row = labels.map((_label, predicted) => {
      const count = counts.get(`${wanted},${predicted}`) ?? 0;
      if (count === 0) return '<td class="none">·</td>';
      const kind = wanted === predicted ? 'hit' : 'miss';
      const share = (count / Math.max(1, wantedRows[wanted] ?? 0)).toFixed(2);
      const title = `${names[wanted]} → ${names[predicted]}`;
      return `<td class="${kind}" style="--share:${share}" title="${title}">${formatNumber(count)}</td>`;
    });
    return `<tr><th>${names[wanted]}</th>${row.join('')}</tr>`;
  });
  return (
    `<div class="scroll"><table class="confusion"><thead><tr><th>wanted ↓ predicted →</th>${head}</tr></thead>` +
    `<tbody>${rows.join('')}</tbody></table></div>`
  );
}

function pairTable({ labels, cells }: Confusion): string {
  const confused = cells.filter(([wanted, predicted]) => wanted !== predicted).sort((a, b) => b[2] - a[2]);
  const rows = confused.slice(0, MAX_ROWS).map(([wanted, predicted, count]) => ({
    wanted: labels[wanted],
    predicted: labels[predicted],
    rows: count,
  }));
  return objectTable(rows);
}

function isConfusion(value: unknown): value is Confusion {
  if (typeof value !== 'object' || value === null) return false;
  const { labels, cells } = value as Record<string, unknown>;
  if (!Array.isArray(labels) || labels.length === 0 || !Array.isArray(cells)) return false;
  return cells.every(
    (cell: unknown) => Array.isArray(cell) && cell.length === 3 && cell.every((part) => Number.isInteger(part)),
  );
}

/** What the evaluator says of its score, a sentence each. Empty when it is anything else. */
export function noteList(notes: unknown): string {
  const known = Array.isArray(notes) ? notes.filter((one) => typeof one === 'string') : [];
  return known.length === 0 ? '' : `<ul>${known.map((one) => `<li>${escapeHtml(one)}</li>`).join('')}</ul>`;
}

/** The evaluator's examples of what went wrong, `{total, shown: […]}`. Empty when it is anything else. */
export function badCaseTable(badCases: unknown): string {
  if (typeof badCases !== 'object' || badCases === null) return '';
  const { shown } = badCases as Record<string, unknown>;
  if (!Array.isArray(shown)) return '';
  return objectTable(shown.filter((one) => typeof one === 'object' && one !== null) as Record<string, unknown>[]);
}

/** One row for each object, with the columns of the first. */
function objectTable(rows: readonly Record<string, unknown>[]): string {
  const columns = Object.keys(rows[0] ?? {}).slice(0, MAX_COLUMNS);
  if (columns.length === 0) return '';
  const cells = rows.slice(0, MAX_ROWS).map((row) => columns.map((name) => cell(row[name])));
  return table(columns, cells, OPEN_ROWS);
}

const MAX_CELL_CHARACTERS = 300;

/** Numbers rounded, lists one line each, and of a neighbour its text and label. */
function cell(value: unknown): string {
  if (typeof value === 'number') return formatNumber(value);
  if (!Array.isArray(value)) return escapeHtml(value, MAX_CELL_CHARACTERS);
  return value.map(listItem).join('<br>');
}

/** A neighbour's label is what it is shown for, so each of the two is cut by itself. */
function listItem(value: unknown): string {
  const { input, reference } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof input !== 'string' || typeof reference !== 'string') return escapeHtml(value, MAX_CELL_CHARACTERS / 2);
  return `${escapeHtml(input, MAX_CELL_CHARACTERS / 2)} → ${escapeHtml(reference, MAX_CELL_CHARACTERS / 2)}`;
}
