// @ts-check
// A report of retention as lines for people.

/**
 * @typedef {{ objects: number, bytes: number }} Amount
 * @typedef {object} RetentionReport
 * @property {boolean} dryRun
 * @property {number} graceHours
 * @property {number} retentionDays
 * @property {Amount} listed
 * @property {Record<string, Amount & { why: string, examples: string[] }>} garbage
 * @property {number} datasetsCollected
 * @property {number} uploadsEnded
 * @property {number} failed
 * @property {number} notOurs
 */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** @param {number} bytes */
export function sizeText(bytes) {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[power]}`;
}

/** @param {Amount} amount */
const amountText = ({ objects, bytes }) => `${objects} object${objects === 1 ? '' : 's'}, ${sizeText(bytes)}`;

/** @param {RetentionReport} report @returns {string[]} */
export function reportLines(report) {
  const groups = Object.entries(report.garbage);
  const total = groups.reduce(
    (sum, [, { objects, bytes }]) => ({ objects: sum.objects + objects, bytes: sum.bytes + bytes }),
    { objects: 0, bytes: 0 },
  );
  const verb = report.dryRun ? 'would remove' : 'removed';
  return [
    `looked at ${amountText(report.listed)}; nothing younger than ${report.graceHours} h goes, ` +
      `and what tasks made ${report.retentionDays} days after their end`,
    ...groups.flatMap(([reason, group]) => [
      `${verb} ${amountText(group)}: ${group.why} (${reason})`,
      ...group.examples.map((key) => `    ${key}`),
      ...(group.objects > group.examples.length ? [`    … and ${group.objects - group.examples.length} more`] : []),
    ]),
    ...(report.uploadsEnded
      ? [`${report.dryRun ? 'would end' : 'ended'} ${report.uploadsEnded} uploads left open`]
      : []),
    ...(report.notOurs ? [`left ${report.notOurs} objects whose names are not ours`] : []),
    ...(report.failed ? [`${report.failed} objects could not be removed; the worker's log says why`] : []),
    `${verb} ${amountText(total)} in all${report.dryRun ? '; nothing was touched' : ''}`,
  ];
}
