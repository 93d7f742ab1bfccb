/**
 * Tables from the evaluator's own report. It is a file of another process: a part that is not as expected is left out of the page.
 */
import { fold, given, numeric, table } from './elements';
import { escapeHtml, formatNumber } from './escape';
import { count, score } from './numbers';

/** A larger matrix is not readable as one; its most frequent confusions are shown instead. */
const MAX_MATRIX_LABELS = 24;
const MAX_ROWS = 50;
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
      const cases = counts.get(`${wanted},${predicted}`) ?? 0;
      if (cases === 0) return '<td class="none">·</td>';
      const kind = wanted === predicted ? 'hit' : 'miss';
      const share = (cases / Math.max(1, wantedRows[wanted] ?? 0)).toFixed(2);
      const title = `${names[wanted]} → ${names[predicted]}`;
      return `<td class="${kind}" style="--share:${share}" title="${title}">${formatNumber(cases)}</td>`;
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
  const rows = confused
    .slice(0, MAX_ROWS)
    .map(([wanted, predicted, cases]) => [text(labels[wanted]), text(labels[predicted]), count(cases)]);
  return table(['wanted', 'predicted', numeric('rows')], rows, OPEN_ROWS);
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

/** The evaluator's examples of what went wrong, `{total, shown: […]}`, the worst first. Empty when it is anything else. */
export function badCaseTable(badCases: unknown): string {
  const { shown, total } = fieldsOf(badCases);
  const known = (Array.isArray(shown) ? shown : []).map(fieldsOf).filter((one) => 'input' in one);
  const measures = ['confidence', 'loss'].filter((name) => known.some((one) => typeof one[name] === 'number'));
  const columns = [
    ...['row', 'wanted', 'answered'].map(given),
    ...measures.map(numeric),
    given('most alike in training'),
  ];
  const rows = known
    .slice(0, MAX_ROWS)
    .map((one) => [
      text(one['input']) + soft(listOf(one['slices'], text)),
      text(one['reference']),
      text(one['prediction']),
      ...measures.map((name) => score(one[name])),
      nearest(one['nearest']),
    ]);
  const isPart = typeof total === 'number' && total > rows.length && rows.length > 0;
  return (isPart ? soft(`The first ${count(rows.length)} of ${count(total)}.`) : '') + table(columns, rows, OPEN_ROWS);
}

const MAX_CELL_CHARACTERS = 300;

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const text = (value: unknown): string => escapeHtml(value, MAX_CELL_CHARACTERS);
const soft = (html: string): string => (html === '' ? '' : `<p class="note">${html}</p>`);
const listOf = (items: unknown, html: (item: unknown) => string): string =>
  Array.isArray(items) ? items.map(html).join('<br>') : '';

/** The most alike is shown, what is less so folded: three word problems take more room than all else of a row. */
function nearest(rows: unknown): string {
  const [first = '', ...more] = Array.isArray(rows) ? rows.map(neighbour) : [];
  return first + fold(`${more.length} more`, more.map((html) => `<p>${html}</p>`).join(''));
}

/** A training row's label is what it is shown for, so text and label are cut each by itself. */
function neighbour(value: unknown): string {
  const { input, reference } = fieldsOf(value);
  return `${escapeHtml(input, MAX_CELL_CHARACTERS / 2)} → ${escapeHtml(reference, MAX_CELL_CHARACTERS / 2)}`;
}
