/** The top of the page: what came of the task, in four figures and a sentence, and what it was asked to do. */
import { aboutScore } from './contamination-words';
import { stopWords } from './decision-words';
import { escapeHtml } from './escape';
import { badge, facts, fold } from './elements';
import { count, counted, interval, moment, score, signed } from './numbers';
import type { Report } from './report';

type Scored = { score: number | null; low: number | null; high: number | null };

export function summary(report: Report): string {
  const { task } = report;
  const kind = task.status === 'COMPLETED' ? 'good' : task.status === 'FAILED' ? 'bad' : 'soft';
  const state = task.controlState === 'none' ? task.status : `${task.status}, ${task.controlState}`;
  return (
    `<header><h1>${escapeHtml(task.taskName)} ${badge(state, kind)}</h1>` +
    `<p class="note">${escapeHtml(`${task.taskMode} · ${task.modelName} · ${task.taskId}`)}</p>` +
    `${cards(report)}${ending(report)}${fold('What was asked for', asked(report))}</header>`
  );
}

function cards(report: Report): string {
  const { iterations, metric, test } = report;
  const champion = iterations.find((one) => one.champion);
  const first = iterations.find((one) => one.score !== null);
  const name = metric ? metric.name : 'score';
  const direction = metric?.higherIsBetter === false ? '; lower is better' : '';
  const gain =
    champion && first && champion !== first && champion.score !== null && first.score !== null
      ? champion.score - first.score
      : null;
  const all = [
    champion && card(`Champion, ${name} on select`, champion, `iteration ${champion.iteration}`),
    test && card(`Sealed test, ${name}`, test, `${counted(test.samples, 'row')}, read ${times(test.reads)}`),
    gain !== null && figure('Since the first iteration', signed(gain), `${name} on select${direction}`),
    figure('Iterations', count(iterations.length), `of at most ${count(report.task.maxIterations)}`),
    champion?.rows != null && figure('Training rows', count(champion.rows), 'of the champion'),
  ];
  return `<ul class="cards">${all.filter(Boolean).join('')}</ul>`;
}

const times = (reads: number): string => (reads === 1 ? 'once' : `${count(reads)} times`);

function card(label: string, { score: value, low, high }: Scored, note: string): string {
  return figure(label, score(value), `${interval(low, high)} · ${note}`);
}

function figure(label: string, value: string, note: string): string {
  return `<li><span>${escapeHtml(label)}</span><strong>${escapeHtml(value)}</strong><small>${escapeHtml(note)}</small></li>`;
}

/** Why it ended or failed, or who suspended it, since when, and what a resume goes on with. */
function ending({ task, test }: Report): string {
  const stopped = task.stopReason && (stopWords(task.stopReason) ?? namedNumbers(task.stopReason));
  const failed = task.failure && `${String(task.failure.code)}: ${String(task.failure.message)}`;
  const contaminated = test?.contamination && aboutScore(test.contamination, 'sealed row');
  // A failure has its reason in it.
  const asked = suspended(task) ?? (task.failure ? null : task.controlReason);
  return [stopped, failed, asked, contaminated]
    .filter(Boolean)
    .map((line) => `<p class="ending">${escapeHtml(line)}</p>`)
    .join('');
}

function suspended({ suspension }: Report['task']): string | null {
  if (!suspension) return null;
  const { by, since, reason, resumesTo } = suspension;
  return `Paused by ${by} since ${moment(since)}${reason ? `: ${reason}` : ''} · a resume goes on with ${resumesTo}`;
}

/** `somePolicy: score 0.97, threshold 0.95`. */
function namedNumbers({ policy, ...numbers }: Record<string, unknown>): string {
  const parts = Object.entries(numbers).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? score(value) : String(value)}`,
  );
  return `${String(policy)}: ${parts.join(', ')}`;
}

function asked({ task, metric }: Report): string {
  return facts([
    ['mode', task.taskMode],
    ['model', task.modelName],
    ['hyperparameters', task.hyperparameters],
    ['task type', task.taskType],
    ['metric', metric && `${metric.name} (${metric.higherIsBetter ? 'higher' : 'lower'} is better)`],
    ['data set', task.datasetId],
    ['validation data set', task.validationDatasetId],
    ['test data set', task.testDatasetId],
    ['pool data set', task.poolDatasetId],
    ['operators', task.operators],
    ['target', task.performanceThreshold],
    ['at most', counted(task.maxIterations, 'iteration')],
    ['stop policies', task.stopPolicies],
    ['seed', task.seed],
    ['created', moment(task.createdAt)],
    ['ended', task.completedAt && moment(task.completedAt)],
  ]);
}
