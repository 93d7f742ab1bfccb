/** Plots as inline SVG: no script, no request. Colours come from the page's style, so that both colour schemes work. */
import { escapeHtml, formatNumber } from './escape';
import type { ReportIteration } from './report';

const WIDTH = 720;
const HEIGHT = 260;
const MARGIN = { top: 16, right: 16, bottom: 32, left: 52 };

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

/** Axes with labelled ticks, `content` between them, and `more` labels. */
function frame(title: string, x: Range, y: Axis, xTicks: readonly number[], content: string, more = ''): string {
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
    `<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}"><title>${escapeHtml(title)}</title>` +
    `${grid.join('')}${labels.join('')}${more}${content}</svg>`
  );
}

function ticks(values: readonly number[], count: number): number[] {
  const step = Math.max(1, Math.ceil(values.length / count));
  return values.filter((_, index) => index % step === 0);
}

/** A score and where it stands; `at` is a place on the axis of iterations. */
interface Point {
  at: number;
  score: number;
  low: number;
  high: number;
  kind: 'champion' | 'promoted' | 'refused' | 'test';
  label: string;
}

type Test = { score: number; low: number; high: number } | null;

/**
 * Score of each iteration with its interval, the target, the sealed test beside them, and as a line what the champion of the time had.
 * Filled points became champion, the ringed one is it now, hollow ones were refused. Empty when nothing is scored yet.
 */
export function scorePlot(iterations: readonly ReportIteration[], threshold: number | null, test: Test = null): string {
  const scored = iterations.flatMap((one): Point[] => {
    if (one.score === null) return [];
    const { iteration: at, score, low, high } = one;
    const kind = one.champion ? 'champion' : one.promoted === false ? 'refused' : 'promoted';
    return [{ at, score, low: low ?? score, high: high ?? score, kind, label: `iteration ${at}` }];
  });
  const [first, last] = [scored[0], scored.at(-1)];
  if (!first || !last) return '';
  const sealed: Point[] = test ? [{ at: last.at + 1, ...test, kind: 'test', label: 'sealed test' }] : [];
  const points = [...scored, ...sealed];

  const values = points.flatMap(({ score, low, high }) => [score, low, high]);
  const y = roundAxis(threshold === null ? values : [...values, threshold]);
  const x = { low: first.at - 0.5, high: last.at + sealed.length + 0.5 };
  const toX = scale(x, MARGIN.left, WIDTH - MARGIN.right);
  const toY = scale(y, HEIGHT - MARGIN.bottom, MARGIN.top);
  const radius = scored.length > 60 ? 2.5 : 5;
  const plot = frame(
    'score by iteration',
    x,
    y,
    ticks(
      scored.map(({ at }) => at),
      12,
    ),
    targetLine(threshold, toY) +
      championLine(scored, toX, toY) +
      points.map((one) => mark(one, radius, toX, toY)).join(''),
    sealed.map(({ at }) => `<text x="${toX(at)}" y="${HEIGHT - 10}" text-anchor="middle">test</text>`).join(''),
  );
  return plot + scoreLegend(points);
}

const KINDS: readonly [Point['kind'], string][] = [
  ['champion', 'champion now'],
  ['promoted', 'was champion'],
  ['refused', 'refused'],
  ['test', 'sealed test'],
];

/** What the marks mean, those alone that are there. */
function scoreLegend(points: readonly Point[]): string {
  const shown = KINDS.filter(([kind]) => points.some((one) => one.kind === kind));
  const keys = shown.map(([kind, meaning]) => `<li class="key-${kind}">${meaning}</li>`);
  return `<ul class="legend">${keys.join('')}<li class="key-line">the champion’s score at the time</li></ul>`;
}

type Place = (value: number) => number;

function targetLine(threshold: number | null, toY: Place): string {
  if (threshold === null) return '';
  const y = toY(threshold);
  return (
    `<line class="target" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}"/>` +
    `<text class="target-label" x="${MARGIN.left + 4}" y="${y - 5}">target ${formatNumber(threshold)}</text>`
  );
}

function championLine(scored: readonly Point[], toX: Place, toY: Place): string {
  let path = '';
  for (const { at, score, kind } of scored) {
    if (kind === 'refused') continue;
    path += path === '' ? `M${toX(at)},${toY(score)}` : `H${toX(at)}V${toY(score)}`;
  }
  return path && `<path class="line" d="${path}H${toX(scored.at(-1)?.at ?? 0)}"/>`;
}

function mark({ at, score, low, high, kind, label }: Point, radius: number, toX: Place, toY: Place): string {
  const [x, y] = [toX(at), toY(score)];
  const title = `<title>${label}: ${formatNumber(score)} (${formatNumber(low)} to ${formatNumber(high)})</title>`;
  const ring = kind === 'champion' ? `<circle class="ring" cx="${x}" cy="${y}" r="${radius + 4}"/>` : '';
  const shape =
    kind === 'test'
      ? `<rect x="${x - radius}" y="${y - radius}" width="${2 * radius}" height="${2 * radius}" transform="rotate(45 ${x} ${y})"/>`
      : `<circle cx="${x}" cy="${y}" r="${radius}"/>`;
  return `<g class="${kind}">${title}<line class="interval" x1="${x}" x2="${x}" y1="${toY(low)}" y2="${toY(high)}"/>${ring}${shape}</g>`;
}

/** More lines than these have no names beside them. */
const MAX_NAMED_CURVES = 6;

/** Training loss by step, one line per iteration, the champion's on top. Empty when nothing was measured. */
export function lossPlot(iterations: readonly ReportIteration[]): string {
  const curves = iterations
    .flatMap((one) => (one.lossCurve?.length ? [{ ...one, lossCurve: one.lossCurve }] : []))
    .sort((a, b) => Number(a.champion) - Number(b.champion));
  const points = curves.flatMap((one) => one.lossCurve);
  if (points.length === 0) return '';
  const x = roundAxis(points.map(([step]) => step));
  const y = roundAxis(points.map(([, loss]) => loss));
  const toX = scale(x, MARGIN.left, WIDTH - MARGIN.right);
  const toY = scale(y, HEIGHT - MARGIN.bottom, MARGIN.top);
  const lines = curves.map(({ iteration, lossCurve, champion }) => {
    const path = lossCurve.map(([step, loss]) => `${toX(step)},${toY(loss)}`).join(' ');
    const kind = champion ? 'line champion-line' : `line series-${iteration % 6}`;
    return `<polyline class="${kind}" points="${path}"><title>iteration ${iteration}</title></polyline>`;
  });
  const named = curves.length > MAX_NAMED_CURVES ? [] : [...curves].sort((a, b) => a.iteration - b.iteration);
  const legend = named.map(({ iteration, champion }) => {
    const kind = champion ? 'champion-line' : `series-${iteration % 6}`;
    return `<li class="${kind}">iteration ${iteration}${champion ? ', champion' : ''}</li>`;
  });
  const plot = frame('training loss by step', x, y, x.ticks.filter(Number.isInteger), lines.join(''));
  return legend.length === 0 ? plot : `${plot}<ul class="legend">${legend.join('')}</ul>`;
}
