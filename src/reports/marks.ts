/** Small drawings that stand in a table's cell, all on one scale: an interval around its value, before and after, a bar. Inline SVG. */

const WIDTH = 160;
const HEIGHT = 18;
const MIDDLE = HEIGHT / 2;

export interface Scale {
  low: number;
  high: number;
}

/** From the least to the most of the values and 0, with a little room. */
export function scaleOf(values: readonly number[]): Scale {
  const known = values.filter(Number.isFinite);
  const low = known.reduce((a, b) => Math.min(a, b), 0);
  const high = known.reduce((a, b) => Math.max(a, b), 0);
  const room = (high - low || 1) * 0.05;
  return { low: low - room, high: high + room };
}

function placed({ low, high }: Scale): (value: number) => string {
  return (value) => (((value - low) / (high - low || 1)) * WIDTH).toFixed(1);
}

function drawing(kind: string, html: string): string {
  return `<svg class="mark ${kind}" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">${html}</svg>`;
}

/** A value with its interval, and where 0 is. */
export function intervalMark({ value, low, high }: { value: number; low: number; high: number }, scale: Scale): string {
  const at = placed(scale);
  const kind = low > 0 ? 'gain' : high < 0 ? 'loss' : 'unsure';
  return drawing(
    kind,
    `<line class="zero" x1="${at(0)}" x2="${at(0)}" y1="0" y2="${HEIGHT}"/>` +
      `<line class="whisker" x1="${at(low)}" x2="${at(high)}" y1="${MIDDLE}" y2="${MIDDLE}"/>` +
      `<circle cx="${at(value)}" cy="${MIDDLE}" r="4"/>`,
  );
}

/** From an error rate to a later one: a ring, a line, a dot. */
export function changeMark(before: number, after: number, scale: Scale): string {
  const at = placed(scale);
  const kind = after < before ? 'gain' : after > before ? 'loss' : 'unsure';
  return drawing(
    kind,
    `<line class="track" x1="0" x2="${WIDTH}" y1="${MIDDLE}" y2="${MIDDLE}"/>` +
      `<line class="whisker" x1="${at(before)}" x2="${at(after)}" y1="${MIDDLE}" y2="${MIDDLE}"/>` +
      `<circle class="ring" cx="${at(before)}" cy="${MIDDLE}" r="4"/><circle cx="${at(after)}" cy="${MIDDLE}" r="4"/>`,
  );
}

/** A share of 1 as a bar. */
export function barMark(share: number): string {
  const width = Math.max(0, Math.min(1, share)) * WIDTH;
  return drawing(
    'bar',
    `<rect class="track" width="${WIDTH}" height="6" y="${MIDDLE - 3}" rx="3"/>` +
      `<rect width="${width.toFixed(1)}" height="6" y="${MIDDLE - 3}" rx="3"/>`,
  );
}
