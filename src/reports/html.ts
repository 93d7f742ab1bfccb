/**
 * A report as one self-contained page: inline style for light and dark, inline SVG, no script, no request. Every value is escaped.
 * Not covered: layout for print beyond what the browser does.
 */
import { escapeHtml, formatNumber } from './escape';
import { badCaseTable, confusionTable } from './evaluation-tables';
import { lossPlot, scorePlot } from './plots';
import { STYLE } from './style';
import type { EvaluationDetails, Report, ReportIteration } from './report';

const MAX_DECISIONS_SHOWN = 200;

/** The page of a report. `evaluation` is the evaluator's own report on the champion, where there is one. */
export function renderReportHtml(report: Report, evaluation: EvaluationDetails | null = null): string {
  const title = `${report.task.taskName} · ${report.task.taskId}`;
  const sections = [
    summary(report),
    section('Score by iteration', scorePlot(report.iterations, report.task.performanceThreshold) + scoreTable(report)),
    section('Training loss', lossPlot(report.iterations)),
    section('Confusion of the champion', confusionTable(evaluation?.confusion)),
    section('Bad cases of the champion', badCaseTable(evaluation?.badCases)),
    ...report.iterations.map(iterationSection),
    section('Decisions', decisionTable(report)),
    section('Lineage', lineageTable(report)),
  ];
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">' +
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>${sections.join('')}</main></body></html>`
  );
}

function section(heading: string, content: string): string {
  return content === '' ? '' : `<section><h2>${escapeHtml(heading)}</h2>${content}</section>`;
}

/** Cells must be HTML already. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const head = headings.map((one) => `<th>${escapeHtml(one)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function facts(pairs: readonly (readonly [string, unknown])[]): string {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined);
  return `<dl>${rows.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;
}

function summary({ task, metric, test }: Report): string {
  const tested =
    test &&
    `${formatNumber(test.score)} (${formatNumber(test.low)} to ${formatNumber(test.high)}, ${test.samples} rows, read ${test.reads}×)`;
  return (
    `<h1>${escapeHtml(task.taskName)}</h1><p class="status status-${escapeHtml(task.status)}">${escapeHtml(task.status)}</p>` +
    facts([
      ['task', task.taskId],
      ['mode', task.taskMode],
      ['model', task.modelName],
      ['task type', task.taskType],
      ['data set', task.datasetId],
      ['metric', metric && `${metric.name} (${metric.higherIsBetter ? 'higher' : 'lower'} is better)`],
      ['sealed test', tested],
      ['stopped because', task.stopReason && namedNumbers(task.stopReason)],
      ['failure', task.failure && `${String(task.failure.code)}: ${String(task.failure.message)}`],
      ['reason given', task.controlReason],
      ['created', task.createdAt],
      ['ended', task.completedAt],
    ])
  );
}

/** `performanceThreshold: score 0.97, threshold 0.95`. */
function namedNumbers({ policy, ...numbers }: Record<string, unknown>): string {
  const parts = Object.entries(numbers).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? formatNumber(value) : String(value)}`,
  );
  return `${String(policy)}: ${parts.join(', ')}`;
}

function scoreTable({ iterations }: Report): string {
  return table(
    [
      'iteration',
      'score',
      '95 % interval',
      'samples',
      'training rows',
      'train loss',
      'seconds (optimize / train / evaluate)',
    ],
    iterations.map((one) => [
      `${one.iteration}${one.champion ? ' <b>champion</b>' : ''}`,
      formatNumber(one.score),
      one.low === null ? '–' : `${formatNumber(one.low)} to ${formatNumber(one.high)}`,
      formatNumber(one.samples),
      formatNumber(one.rows),
      formatNumber(one.trainLoss),
      [one.seconds.optimization, one.seconds.training, one.seconds.evaluation]
        .map((part) => formatNumber(part, 1))
        .join(' / '),
    ]),
  );
}

function iterationSection(one: ReportIteration): string {
  const { leakage, labelIssues } = one;
  const checks = facts([
    ['exact overlaps with held-out rows', leakage?.exactOverlaps],
    ['near overlaps', leakage?.nearOverlaps],
    ['paraphrases', leakage?.paraphrases],
    ['doubted labels', labelIssues && `${labelIssues.flagged} flagged, ${labelIssues.quarantined} taken out`],
    ['data set', one.datasetId],
    ['model', one.modelPath],
  ]);
  const files = table(
    ['file', 'read as', 'input', 'output', 'rows', 'set aside', 'notes'],
    (one.files ?? []).map((file) => [
      escapeHtml(file.file),
      escapeHtml(`${file.format}, ${file.header ? 'with' : 'without'} a header`),
      escapeHtml(file.input.join(' + ')),
      escapeHtml(file.output),
      formatNumber(file.rows),
      formatNumber(file.setAside),
      escapeHtml(file.notes.join('; ')),
    ]),
  );
  const steps = table(
    ['step', 'rows in', 'rows out', 'removed'],
    (one.steps ?? []).map((step) => [
      escapeHtml(step.name),
      String(step.rowsIn),
      String(step.rowsOut),
      Object.entries(step.removed)
        .map(([reason, count]) => `${escapeHtml(reason)}: ${count}`)
        .join(', '),
    ]),
  );
  const applied = table(
    ['applied', 'kind', 'slice', 'rows', 'uplift', '95 % interval'],
    (one.applied ?? []).map((item) => [
      escapeHtml(item.id),
      escapeHtml(item.kind),
      escapeHtml(item.slice),
      String(item.rows),
      formatNumber(item.uplift),
      item.low === null ? '–' : `${formatNumber(item.low)} to ${formatNumber(item.high)}`,
    ]),
  );
  const slices = table(
    ['slice', 'support', 'error rate', 'lift', 'q'],
    (one.slices ?? []).map((slice) => [
      escapeHtml(slice.name),
      String(slice.support),
      formatNumber(slice.errorRate),
      formatNumber(slice.lift, 2),
      formatNumber(slice.qValue),
    ]),
  );
  const improvements = table(
    ['suggested', 'kind', 'slice', 'support', 'gain bound'],
    (one.improvements ?? []).map((item) => [
      escapeHtml(item.id),
      escapeHtml(item.kind),
      escapeHtml(item.slice),
      String(item.support),
      formatNumber(item.gainBound),
    ]),
  );
  return section(`Iteration ${one.iteration}`, files + checks + steps + applied + slices + improvements);
}

function decisionTable({ decisions }: Report): string {
  return table(
    ['iteration', 'decision', 'by', 'at', 'on the grounds of'],
    decisions
      .slice(-MAX_DECISIONS_SHOWN)
      .map((one) => [
        String(one.iteration),
        escapeHtml(one.kind),
        escapeHtml(one.actor),
        escapeHtml(one.decidedAt),
        `<code>${escapeHtml(one.facts)}</code>`,
      ]),
  );
}

function lineageTable({ lineage }: Report): string {
  return facts([
    ['model weights sha256', lineage.modelSha256],
    ['model manifest sha256', lineage.modelManifestSha256],
    ['uploaded file sha256', lineage.datasetSha256],
    ['optimised data set sha256', lineage.optimizedDatasetSha256],
    ['split sha256', lineage.splitSha256],
    ['recipe sha256', lineage.recipeSha256],
    ['program version', lineage.code.version],
    ['model', lineage.config.modelName],
    ['hyperparameters', lineage.config.hyperparameters],
    ['stop policies', lineage.config.stopPolicies],
    ['seed', lineage.seed],
  ]);
}
