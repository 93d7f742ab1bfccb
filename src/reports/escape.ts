/** Text into HTML. Everything on the page that did not stand in our own source goes through here. */

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Any value as HTML text, safe in an element and in a quoted attribute. Null is a dash; longer texts are cut. */
export function escapeHtml(value: unknown, maxCharacters = 2000): string {
  if (value === null || value === undefined) return '–';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '–');
  const cut = text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text;
  return cut.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** A number for people; a dash for what is not known. */
export function formatNumber(value: unknown, digits = 4): string {
  return typeof value === 'number' && Number.isFinite(value) ? String(Number(value.toFixed(digits))) : '–';
}
