/**
 * A report as one self-contained page: inline style for light and dark, inline SVG, no script, no request. Every value is escaped.
 * Not covered: layout for print beyond what the browser does.
 */
import { decisionWords } from './decision-words';
import { facts, fold, numeric, section, table, whole } from './elements';
import { escapeHtml } from './escape';
import { badCaseTable, confusionTable, noteList } from './evaluation-tables';
import { iterationSections, place } from './iterations';
import { count, interval, moment, probability, score, signed } from './numbers';
import { lossPlot, scorePlot } from './plots';
import { STYLE } from './style';
import { summary } from './summary';
import type { EvaluationDetails, Report, ReportDataChange, ReportIteration } from './report';

/** The page of a report. `evaluation` is the evaluator's own report on the champion, `sealed` that of its final test, where they exist. */
export function renderReportHtml(
  report: Report,
  evaluation: EvaluationDetails | null = null,
  sealed: EvaluationDetails | null = null,
): string {
  const title = `${report.task.taskName} · ${report.task.taskId}`;
  const plot = scorePlot(report.iterations, report.task.performanceThreshold, report.test);
  const sections: [id: string, heading: string, html: string, note?: string][] = [
    ['scores', 'Score by iteration', plot && plot + scoreTable(report), direction(report)],
    ['notes', 'Notes on the champion’s score', noteList(evaluation?.notes)],
    ['sealed-notes', 'Notes on the sealed score', noteList(sealed?.notes)],
    ['data', 'Training rows by iteration', dataTable(report)],
    ['loss', 'Training loss', lossPlot(report.iterations)],
    ['iterations', 'Iterations', iterationSections(report)],
    ['confusion', 'Confusion of the champion', confusionTable(evaluation?.confusion), 'On the mine rows.'],
    [
      'bad-cases',
      'Bad cases of the champion',
      badCaseTable(evaluation?.badCases),
      'Of the mine rows; they are never trained on.',
    ],
    ['decisions', 'Decisions', decisionTable(report)],
    ['access', 'Access to the rows that decide scores', accessTable(report), ACCESS_NOTE],
    ['lineage', 'Lineage', lineageFacts(report)],
  ];
  const shown = sections.filter(([, , html]) => html !== '');
  const links = shown.map(([id, heading]) => `<a href="#${id}">${escapeHtml(SHORT[id] ?? heading)}</a>`);
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">' +
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><main>${summary(report)}` +
    `<nav aria-label="sections">${links.join('')}</nav>${shown.map((one) => section(...one)).join('')}</main></body></html>`
  );
}

/** Told where it is not as people expect. */
function direction({ metric }: Report): string {
  return metric?.higherIsBetter === false ? `Of ${metric.name} lower is better; p is of rows won and lost.` : '';
}

const SHORT: Record<string, string> = {
  scores: 'Scores',
  notes: 'Notes',
  'sealed-notes': 'Notes on the test',
  data: 'Data',
  loss: 'Loss',
  confusion: 'Confusion',
  'bad-cases': 'Bad cases',
  access: 'Access',
};

function scoreTable({ iterations }: Report): string {
  return table(
    [
      numeric('iteration'),
      '',
      numeric('score'),
      whole('95 % interval'),
      numeric('against the champion'),
      whole('95 % interval'),
      numeric('p'),
      numeric('rows scored'),
      numeric('train loss'),
      numeric('seconds'),
    ],
    iterations.map((one) => [
      String(one.iteration),
      place(one),
      score(one.score),
      interval(one.low, one.high),
      signed(one.comparison?.difference),
      interval(one.comparison?.low, one.comparison?.high, signed),
      probability(one.comparison?.pValue),
      count(one.samples),
      score(one.trainLoss),
      count(seconds(one)),
    ]),
    20,
  );
}

function seconds({ seconds: { optimization, training, evaluation } }: ReportIteration): number | null {
  const known = [optimization, training, evaluation].filter((one) => one !== null);
  return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0);
}

function dataTable({ iterations }: Report): string {
  const known = iterations.filter((one) => one.rows !== null);
  return table(
    [
      ...[numeric('iteration'), numeric('rows'), 'of these', numeric('change'), 'since', 'what was done'],
      numeric('doubted labels'),
    ],
    known.map((one) => [
      String(one.iteration),
      count(one.rows),
      escapeHtml(countsByName(one.rowsBySource ?? {}) || null),
      one.dataChange ? signed(one.dataChange.rowsAfter - one.dataChange.rowsBefore, 0) : '–',
      one.dataChange ? `iteration ${one.dataChange.since}` : 'source files',
      escapeHtml(one.dataChange ? changes(one.dataChange) : null),
      one.dataChange?.quarantined == null ? '–' : signed(-one.dataChange.quarantined, 0),
    ]),
    20,
  );
}

function changes({ byKind }: ReportDataChange): string {
  return countsByName(byKind) || 'the same recipe, drawn anew';
}

function countsByName(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, rows]) => `${name} ${count(rows)}`)
    .join(', ');
}

/** The last ones; the JSON has all. */
const MAX_DECISIONS = 500;

function decisionTable({ decisions }: Report): string {
  return table(
    [numeric('iteration'), 'decision', 'on the grounds of', 'by', whole('at (UTC)')],
    decisions.slice(-MAX_DECISIONS).map((one) => {
      const words = decisionWords(one);
      const raw = `<code>${escapeHtml(one.facts)}</code>`;
      return [
        String(one.iteration),
        escapeHtml(one.kind),
        words === null ? raw : `${escapeHtml(words)}${fold('facts', raw)}`,
        escapeHtml(one.actor),
        escapeHtml(moment(one.decidedAt)),
      ];
    }),
    20,
  );
}

const ACCESS_NOTE =
  'The split writes these rows once; from then on only the evaluator is given them. Each start of one of its jobs counts as a read.' +
  ' The final score of generated text looks into select too, to see how often chance tells a row in other words.';

const PURPOSES = { split: 'written by the split', score: 'score of the iteration', final: 'the final score' };

function accessTable({ accessLedger }: Report): string {
  return table(
    [whole('at (UTC)'), 'role', 'purpose', numeric('iteration'), 'by', numeric('rows'), numeric('reads'), 'sha256'],
    accessLedger.map((one) => [
      escapeHtml(moment(one.at)),
      escapeHtml(one.role),
      escapeHtml(PURPOSES[one.purpose]),
      String(one.iteration),
      escapeHtml(one.actor),
      count(one.rows),
      count(one.reads || null),
      `<code>${escapeHtml(one.sha256?.slice(0, 12))}</code>`,
    ]),
    20,
  );
}

function lineageFacts({ lineage }: Report): string {
  return facts([
    ['model weights sha256', lineage.modelSha256],
    ['model manifest sha256', lineage.modelManifestSha256],
    ...lineage.files.map(({ file, sha256 }) => [`${file} file sha256`, sha256] as const),
    ['optimised data set sha256', lineage.optimizedDatasetSha256],
    ['optimised data set, manifest sha256', lineage.optimizedManifestSha256],
    ['split sha256', lineage.splitSha256],
    ['recipe sha256', lineage.recipeSha256],
    ['program version', lineage.code.version],
    ['model', lineage.config.modelName],
    ['hyperparameters', lineage.config.hyperparameters],
    ['operators', lineage.config.operators],
    ['stop policies', lineage.config.stopPolicies],
    ['seed', lineage.seed],
  ]);
}
