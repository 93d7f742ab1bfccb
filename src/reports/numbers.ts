/** Numbers as people read them, of one length in a column. A dash for what is not known. Plain text. */

const DASH = '–';
/** Made once: making one takes longer than a thousand uses. */
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** A score, a rate or a loss with four digits. */
export function score(value: unknown): string {
  return isNumber(value) ? value.toFixed(4) : DASH;
}

/** A difference with its sign. */
export function signed(value: unknown, digits = 4): string {
  if (!isNumber(value)) return DASH;
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value > 0 ? '+' : '−'}${text}`;
}

/** `0.8500 to 0.9500`; with `sign` for differences. */
export function interval(low: unknown, high: unknown, format: (value: unknown) => string = score): string {
  return isNumber(low) && isNumber(high) ? `${format(low)} to ${format(high)}` : DASH;
}

/** Rows and other whole numbers, thousands apart. */
export function count(value: unknown): string {
  return isNumber(value) ? WHOLE.format(value) : DASH;
}

/** `1 row`, `2 rows`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

export function seconds(value: unknown): string {
  return isNumber(value) ? value.toFixed(1) : DASH;
}

/** A probability; small ones are named as small. */
export function probability(value: unknown): string {
  if (!isNumber(value)) return DASH;
  return value < 0.001 ? '< 0.001' : value.toFixed(3);
}

/** `2030-01-01 12:00:05`, of an ISO time in UTC; what is none stays as it is. */
export function moment(iso: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(iso) ? iso.slice(0, 19).replace('T', ' ') : iso;
}
