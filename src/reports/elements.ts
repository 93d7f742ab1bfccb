/** The building blocks of the page: tables, facts, sections, folded parts. What is called `html` is HTML already; all else is escaped here. */
import { escapeHtml } from './escape';
import { count } from './numbers';

/**
 * A column by its heading. Numbers stand to the right; neither they nor what is `whole` is broken into lines. A `given` text keeps the
 * lines it has, and is broken anywhere where it has no blank.
 */
export type Column = string | { heading: string; kind: 'num' | 'whole' | 'given' };

export const numeric = (heading: string): Column => ({ heading, kind: 'num' });
export const given = (heading: string): Column => ({ heading, kind: 'given' });
export const whole = (heading: string): Column => ({ heading, kind: 'whole' });

/** Rows that stay open; the rest is folded, so that a long table does not push the page away. */
const OPEN_ROWS = 10;

/** Rows of HTML cells. Empty without rows; of a long table the first rows, and the others folded below. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], openRows = OPEN_ROWS): string {
  if (rows.length === 0) return '';
  // A fold that hides one or two rows is no help.
  if (rows.length <= openRows + 2) return plainTable(columns, rows);
  const rest = rows.slice(openRows);
  const more = `${count(rest.length)} more`;
  return plainTable(columns, rows.slice(0, openRows)) + fold(more, plainTable(columns, rest));
}

function plainTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const kind = columns.map((column) => (typeof column === 'string' ? '' : ` class="${column.kind}"`));
  const head = columns.map((column, index) => {
    const heading = typeof column === 'string' ? column : column.heading;
    return `<th scope="col"${kind[index]}>${escapeHtml(heading)}</th>`;
  });
  const body = rows.map((row) => `<tr>${row.map((html, index) => `<td${kind[index]}>${html}</td>`).join('')}</tr>`);
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** Names and values; what is not known is left out. */
export function facts(pairs: readonly (readonly [string, unknown])[]): string {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  if (known.length === 0) return '';
  return `<dl>${known.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;
}

/** Empty without content. `id` is one of ours and names the section in the page's own links. */
export function section(id: string, heading: string, html: string, note = ''): string {
  if (html === '') return '';
  const lead = note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>`;
  return `<section id="${id}"><h2>${escapeHtml(heading)}</h2>${lead}${html}</section>`;
}

/** A part of a section. Empty without content. */
export function part(heading: string, html: string, note = ''): string {
  if (html === '') return '';
  const lead = note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>`;
  return `<h3>${escapeHtml(heading)}</h3>${lead}${html}`;
}

/** Content behind a line that opens it. */
export function fold(summary: string, html: string): string {
  return html === '' ? '' : `<details><summary>${escapeHtml(summary)}</summary>${html}</details>`;
}

/** A word in a frame; `kind` is one of the style's. */
export function badge(text: string, kind: 'good' | 'bad' | 'soft'): string {
  return `<span class="badge ${kind}">${escapeHtml(text)}</span>`;
}
