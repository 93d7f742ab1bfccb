/** Plots as inline SVG: no script, no request. Colours come from the page's style, so that both colour schemes work. */
import { escapeHtml, formatNumber } from './escape';
import type { ReportIteration } from './report';

const WIDTH = 640;
const HEIGHT = 240;
const MARGIN = { top: 12, right: 16, bottom: 32, left: 52 };

const TICKS = 4;

interface Range {
  low: number;
  high: number;
}

interface Axis extends Range {
  ticks: readonly number[];
}

/**
 * The smallest axis around the values whose ticks are round numbers: multiples of 1, 2 or 5 times a power of ten.
 * Source: Paul Heckbert, "Nice Numbers for Graph Labels", Graphics Gems, 1990.
 */
export function roundAxis(values: readonly number[]): Axis {
  // Not spread into a call: a long loop's curves have more points than a call can have arguments.
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const raw = (most - least || Math.abs(most) || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= raw * (1 - 1e-9)) ?? 10);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(Math.ceil(most / step - 1e-9), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
  return { low: ticks[0] as number, high: ticks.at(-1) as number, ticks };
}

function scale(range: Range, from: number, to: number): (value: number) => number {
  const span = range.high - range.low || 1;
  return (value) => Number((from + ((value - range.low) / span) * (to - from)).toFixed(1));
}

/** Axes with labelled ticks, and `content` between them. */
function frame(title: string, x: Range, y: Axis, xTicks: readonly number[], content: string): string {
  const toX = scale(x, MARGIN.left, WIDTH - MARGIN.right);
  const toY = scale(y, HEIGHT - MARGIN.bottom, MARGIN.top);
  const grid = y.ticks.map(
    (value) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${toY(value)}" y2="${toY(value)}"/>` +
      `<text x="${MARGIN.left - 6}" y="${toY(value) + 4}" text-anchor="end">${formatNumber(value)}</text>`,
  );
  const labels = xTicks.map(
    (value) => `<text x="${toX(value)}" y="${HEIGHT - 10}" text-anchor="middle">${formatNumber(value, 0)}</text>`,
  );
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}"><title>${escapeHtml(title)}</title>` +
    `${grid.join('')}${labels.join('')}${content}</svg>`
  );
}

function ticks(values: readonly number[], count: number): number[] {
  const step = Math.max(1, Math.ceil(values.length / count));
  return values.filter((_, index) => index % step === 0);
}

/** Score of each iteration with its interval; the champion is filled. Empty when nothing is scored yet. */
export function scorePlot(iterations: readonly ReportIteration[], threshold: number | null): string {
  const scored = iterations.filter(
    (one): one is ReportIteration & { score: number; low: number; high: number } => one.score !== null,
  );
  if (scored.length === 0) return '';
  const values = scored.flatMap(({ score, low, high }) => [score, low ?? score, high ?? score]);
  const y = roundAxis(threshold === null ? values : [...values, threshold]);
  const numbers = scored.map((one) => one.iteration);
  const x = { low: Math.min(...numbers) - 0.5, high: Math.max(...numbers) + 0.5 };
  const toX = scale(x, MARGIN.left, WIDTH - MARGIN.right);
  const toY = scale(y, HEIGHT - MARGIN.bottom, MARGIN.top);
  const line = scored.map((one) => `${toX(one.iteration)},${toY(one.score)}`).join(' ');
  const target =
    threshold === null
      ? ''
      : `<line class="target" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${toY(threshold)}" y2="${toY(threshold)}"/>`;
  const points = scored.map((one) => {
    const at = toX(one.iteration);
    return (
      `<line class="interval" x1="${at}" x2="${at}" y1="${toY(one.low)}" y2="${toY(one.high)}"/>` +
      `<circle class="${one.champion ? 'champion' : 'point'}" cx="${at}" cy="${toY(one.score)}" r="5">` +
      `<title>iteration ${one.iteration}: ${formatNumber(one.score)}</title></circle>`
    );
  });
  return frame(
    'score by iteration',
    x,
    y,
    ticks(numbers, 12),
    `${target}<polyline class="line" points="${line}"/>${points.join('')}`,
  );
}

/** Training loss by step, one line per iteration. Empty when nothing was measured. */
export function lossPlot(iterations: readonly ReportIteration[]): string {
  const curves = iterations.flatMap(({ iteration, lossCurve }) =>
    lossCurve?.length ? [{ iteration, lossCurve }] : [],
  );
  const points = curves.flatMap((one) => one.lossCurve);
  if (points.length === 0) return '';
  const steps = points.map(([step]) => step);
  const x = roundAxis(steps);
  const y = roundAxis(points.map(([, loss]) => loss));
  const toX = scale(x, MARGIN.left, WIDTH - MARGIN.right);
  const toY = scale(y, HEIGHT - MARGIN.bottom, MARGIN.top);
  const lines = curves.map(({ iteration, lossCurve }, index) => {
    const path = lossCurve.map(([step, loss]) => `${toX(step)},${toY(loss)}`).join(' ');
    return `<polyline class="line series-${index % 6}" points="${path}"><title>iteration ${iteration}</title></polyline>`;
  });
  return frame('training loss by step', x, y, x.ticks.filter(Number.isInteger), lines.join(''));
}
