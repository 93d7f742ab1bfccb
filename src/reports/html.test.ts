import type { EvaluateResult, OptimizeResult } from '../contracts/jobs';
import { pairedComparison, TAUGHT, TRIAL } from '../testing/job-results';
import { detailsOf, reportSource } from '../testing/report-source';
import { buildReport } from './build-report';
import { escapeHtml } from './escape';
import { renderReportHtml } from './html';
import { table } from './elements';
import { lossPlot, roundAxis, scorePlot } from './plots';
import type { ReportSource } from './report';

const HOSTILE = `"><script>alert('x')</script>&`;

/** Everything a service may tell, told. */
function fullSource(): ReportSource {
  const contamination = { checked: 30, exact: 1, near: 1, paraphrases: null, excluded: 2 };
  const score = { score: 0.8, low: 0.7, high: 0.9, samples: 28, unscored: 0, reads: 1, iteration: 1 };
  const full = reportSource([0.4, 0.9, 0.5], { testResult: { ...score, contamination } });
  const regressions = [{ name: 'label = rare', support: 9, before: 0.1, after: 0.3, qValue: 0.01 }];
  const comparison = pairedComparison({ regressions });
  for (const iteration of [1, 2]) {
    const declined = [{ id: 'imp-2', kind: 'fix' as const, slice: 'label = rare', reason: 'no better on mine' }];
    const optimization = detailsOf<OptimizeResult>(full, iteration, 'optimization');
    Object.assign(optimization, { trial: TRIAL, teacher: TAUGHT, declined });
    Object.assign(optimization.applied[0] as object, { arm: 'teacher' });
    Object.assign(detailsOf<EvaluateResult>(full, iteration, 'evaluation'), { comparison, contamination });
  }
  const verdict = { metric: 'accuracy', challenger: { value: 0.9 }, champion: null, reason: 'better', comparison };
  const decided = { ...full.decisions[0]!, kind: 'promote', iteration: 1, facts: verdict };
  const edited = { ...decided, kind: 'edit-stop-conditions', facts: { before: {}, after: { rule: 'label = rare' } } };
  const read = { ...decided, kind: 'read-test', facts: score };
  return { ...full, decisions: [...full.decisions, decided, edited, read] };
}

test('the page is one file without scripts or requests', () => {
  const page = renderReportHtml(buildReport(reportSource([0.4, 0.9])), {
    confusion: {
      labels: ['a', 'b'],
      cells: [
        [0, 0, 9],
        [0, 1, 1],
        [1, 1, 10],
      ],
    },
    badCases: { total: 1, shown: [{ id: 'r1', input: 'hello', reference: 'a', prediction: 'b' }] },
    notes: ['Only 40 select rows were scored.', 7],
  });
  expect(page).not.toMatch(/<script|<link|<img|<iframe|https?:|url\(|@import|\son\w+=/i);
  expect(page.match(/<svg class="plot"/g)).toHaveLength(2);
  const parts = [
    'Score by iteration',
    '<li>Only 40 select rows were scored.</li></ul>',
    'Training rows',
    'Training loss',
    'Iteration 1',
    'Confusion',
    'Bad cases',
    'Decisions',
  ];
  for (const part of [...parts, 'Access to the rows that decide scores', 'Lineage']) {
    expect(page).toContain(part);
  }
});

test('the page tells where the training rows of each iteration come from', () => {
  const page = renderReportHtml(buildReport(reportSource([0.4, 0.9])));
  expect(page).toContain('<td class="num">80</td><td>original 80</td>');
  expect(page).toContain('<td class="num">80</td><td>original 68, augment 12</td>');
});

test('the page tells how many rows a teacher was sent, what it wrote and what its rows were taken for', () => {
  const page = renderReportHtml(buildReport(fullSource()));
  expect(page).toContain('tutor-1: 2 calls, 16 training rows sent to it, 38 answered of 40 asked for, 31 usable');
  expect(page).toContain('<td>augment (teacher)</td>');
});

test('the page of a suspended task tells who paused it, since when, why, and what comes next', () => {
  const full = fullSource();
  const since = Date.UTC(2030, 0, 2, 3, 4, 5);
  const suspension = { by: 'user:3', reason: 'lunch', requestedAt: since, since, resumesTo: 'TRAINING' };
  const pageOf = (reason: string | null) =>
    renderReportHtml(
      buildReport({
        ...full,
        task: { ...full.task, status: 'SUSPENDED', controlReason: reason, suspension: { ...suspension, reason } },
      }),
    );
  const text = 'Paused by user:3 since 2030-01-02 03:04:05';
  expect(pageOf('lunch')).toContain(`<p class="ending">${text}: lunch · a resume goes on with TRAINING</p>`);
  expect(pageOf(null)).toContain(`<p class="ending">${text} · a resume goes on with TRAINING</p>`);
  expect(pageOf('lunch')).not.toContain('<p class="ending">lunch</p>');
  expect(pageOf('lunch')).not.toContain('<p class="ending">–</p>');
});

test('why an operator ended a task as failed is said once', async () => {
  const failure = { code: 'FAILED_BY_OPERATOR', message: 'ended as failed by user:1: wrong labels', retryable: false };
  const full = fullSource();
  const task = { ...full.task, status: 'FAILED' as const, controlReason: 'wrong labels', failure };
  const html = renderReportHtml(buildReport({ ...full, task }));
  expect(html).toContain('<p class="ending">FAILED_BY_OPERATOR: ended as failed by user:1: wrong labels</p>');
  expect(html).not.toContain('<p class="ending">wrong labels</p>');
});

/** The value with every text in it made hostile, names of fields included where they are data. */
function hostileTexts(value: unknown): unknown {
  if (typeof value === 'string') return HOSTILE;
  if (Array.isArray(value)) return value.map(hostileTexts);
  if (value instanceof Date || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, hostileTexts(one)]));
}

test('text of users, data and services stays text wherever it stands', () => {
  const full = fullSource();
  const task = { ...full.task, taskName: HOSTILE, modelName: HOSTILE, controlReason: HOSTILE, datasetId: HOSTILE };
  const hyperparameters = { [HOSTILE]: HOSTILE };
  const stopReason = { policy: HOSTILE, [HOSTILE]: HOSTILE };
  const hostile: ReportSource = {
    ...full,
    task: { ...task, hyperparameters, stopReason, failure: { code: HOSTILE, message: HOSTILE } },
    executions: full.executions.map((row) => ({
      ...row,
      outputDatasetId: HOSTILE,
      details: hostileTexts(row.details),
    })),
    decisions: full.decisions.flatMap((one) => [
      { ...one, actor: HOSTILE, facts: hostileTexts(one.facts) },
      { ...one, kind: HOSTILE, facts: { [HOSTILE]: HOSTILE } },
    ]),
  };
  for (const iteration of [0, 1, 2]) {
    const { steps, ...rest } = detailsOf<OptimizeResult>(hostile, iteration, 'optimization');
    Object.assign(rest, { steps });
    for (const step of steps) step.removed[HOSTILE] = 1;
    Object.assign(detailsOf<EvaluateResult>(hostile, iteration, 'evaluation').secondary, { [HOSTILE]: 1 });
  }
  const page = renderReportHtml(buildReport(hostile), {
    confusion: { labels: [HOSTILE, 'b'], cells: [[0, 1, 3]] },
    notes: [HOSTILE],
    badCases: {
      total: 2,
      shown: [
        {
          input: HOSTILE,
          reference: HOSTILE,
          prediction: HOSTILE,
          confidence: HOSTILE,
          slices: [HOSTILE],
          nearest: [{ input: HOSTILE, reference: HOSTILE }, HOSTILE, [HOSTILE]],
        },
      ],
    },
  });
  // Each of these shows a text in a place of its own.
  expect(page.split('&lt;script&gt;').length).toBeGreaterThan(60);
  // Tags and their attributes are ours alone.
  const tags = [...page.matchAll(/<([a-z]\w*)((?:\s[\w-]+(?:="[^"]*")?)*)\s*\/?>/gi)];
  const names = new Set(tags.map(([, name]) => name));
  const attributes = new Set(
    tags.flatMap(([, , all]) => [...(all ?? '').matchAll(/\s([\w-]+)=/g)].map(([, one]) => one)),
  );
  expect(page.includes('<script')).toBe(false);
  for (const foreign of ['script', 'img', 'iframe', 'link', 'form']) expect(names).not.toContain(foreign);
  for (const name of attributes) expect(name).not.toMatch(/^on|^src|^action$/);
  // Whatever opens a tag was seen above.
  expect(page.match(/<[a-z]/gi)).toHaveLength(tags.length);
});

test('a bad case is told with its slices, and with the text and the whole label of each training row that is most alike', () => {
  const nearest = [
    { input: 'x'.repeat(400), reference: 'refund' },
    { input: 'short', reference: 'card' },
  ];
  const one = { id: 'r1', input: 'hello', reference: 'a', prediction: 'b', confidence: 0.123456, loss: null };
  const pageOf = (total: number) =>
    renderReportHtml(buildReport(reportSource([0.4])), {
      badCases: { total, shown: [{ ...one, slices: ['label = a', 'long'], nearest }, one] },
    });
  const page = pageOf(73);
  expect(page).toContain(
    '<tr><td class="given">hello<p class="note">label = a<br>long</p></td><td class="given">a</td><td class="given">b</td>' +
      '<td class="num">0.1235</td>' +
      `<td class="given">${'x'.repeat(150)}… → refund<details><summary>1 more</summary><p>short → card</p></details></td></tr>`,
  );
  expect(page).not.toContain('>loss</th>');
  expect(page).toContain('The first 2 of 73.');
  expect(pageOf(2)).not.toContain('The first 2');
});

test('the loss of a thousand iterations is plotted, with whole steps on the axis', () => {
  const [one] = buildReport(reportSource([0.4])).iterations;
  const curve = (points: number) => Array.from({ length: points }, (_, step): [number, number] => [step, 1]);
  const many = Array.from({ length: 1000 }, (_, iteration) => ({ ...one!, iteration, lossCurve: curve(200) }));
  expect(lossPlot(many)).toContain('iteration 999');
  const labels = lossPlot([{ ...one!, lossCurve: curve(3) }]).match(/text-anchor="middle">[^<]+/g);
  expect(labels?.map((label) => label.split('>')[1])).toEqual(['0', '1', '2']);
});

test('text in an attribute cannot end it, whichever quotes it stands in', () => {
  expect(escapeHtml(`"'&<>`)).toBe('&quot;&#39;&amp;&lt;&gt;');
});

test.each([
  null,
  7,
  'x',
  { labels: ['a'], cells: 'none' },
  { labels: [], cells: [] },
  { labels: ['a'], cells: [['<b>', 0, 1]] },
])('an evaluation report that is not as expected (%j) leaves its part out', (part) => {
  const report = buildReport(reportSource([0.4]));
  const page = renderReportHtml(report, { confusion: part, badCases: part, notes: part });
  expect(page).not.toContain('Notes');
  expect(page).not.toContain('Confusion');
  expect(page).not.toContain('Bad cases');
});

test.each([
  [[0.66, 1], { low: 0.6, high: 1, ticks: [0.6, 0.7, 0.8, 0.9, 1] }],
  [[0.0005, 4.6], { low: 0, high: 6, ticks: [0, 2, 4, 6] }],
  [[8, 888], { low: 0, high: 1000, ticks: [0, 500, 1000] }],
  [[0.95, 0.95], { low: 0.5, high: 1, ticks: [0.5, 1] }],
  [[0, 0], { low: 0, high: 0.5, ticks: [0, 0.5] }],
  [[-3, 2], { low: -4, high: 2, ticks: [-4, -2, 0, 2] }],
  [[0, 0.1 + 0.2], { low: 0, high: 0.3, ticks: [0, 0.1, 0.2, 0.3] }],
])('the axis around %j has round ticks and does not reach past the next one', (values, axis) => {
  expect(roundAxis(values)).toEqual(axis);
});

test('a stop reason and a failure are sentences on the page, not JSON', () => {
  const pageOf = (changes: object) => renderReportHtml(buildReport(reportSource([0.97], changes)));
  const reached = { policy: 'performanceThreshold', score: 0.97123, threshold: 0.95 };
  expect(pageOf({ stopReason: reached })).toContain('The target 0.9500 is reached: the champion has 0.9712.');
  // A rule of a later version has its numbers at least.
  expect(pageOf({ stopReason: { policy: 'later', score: 0.97123 } })).toContain('later: score 0.9712');
  const failure = { code: 'DATASET_EMPTY', message: 'No usable row is left', retryable: false };
  expect(pageOf({ failure })).toContain('DATASET_EMPTY: No usable row is left');
});

test('a loss is shown on an axis of its own, with what its fall means', () => {
  const metricInfo = { name: 'loss', higherIsBetter: false };
  const report = buildReport(reportSource([4.2, 2.9], { metricInfo, performanceThreshold: 0.5 }));
  const page = renderReportHtml(report);
  expect(page).toMatch(
    /Since the first iteration<\/span><strong>−1\.3000<\/strong><small>loss on select; lower is better/,
  );
  expect(page).toContain('Of loss lower is better; p is of rows won and lost.');
  expect(page).toContain('loss (lower is better)');
  const plot = page.slice(page.indexOf('score by iteration'));
  const height = (pattern: RegExp) => Number(pattern.exec(plot)?.[1]);
  // The better of the two stands lower, and the target below both.
  const [first, second] = [...plot.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)" r="5"/g)].map(([, y]) => Number(y));
  expect(second).toBeGreaterThan(first ?? Infinity);
  expect(height(/class="target" x1="\d+" x2="\d+" y1="([\d.]+)"/)).toBeGreaterThan(second ?? Infinity);
  expect(renderReportHtml(buildReport(reportSource([0.4, 0.9])))).not.toContain('lower is better');
});

test('the page shows how files were read, what was tried, and what became of it', () => {
  const page = renderReportHtml(buildReport(fullSource()));
  expect(page).toContain(
    '<td>training</td><td>csv, with a header</td><td>text</td><td>label</td><td class="num">120</td><td class="num">10</td>',
  );
  for (const text of [
    'linear model over words, of the label; 3 seeds, 10 rows of mine',
    'random rows, for comparison',
    'no better on mine',
    'On the same 20 rows +0.0500',
    '1 exact, 1 near of 30 rows; 2 counted as wrong',
    'train 80, mine 10, select 20, test 30',
    'read once',
    'sealed test: 0.8',
  ]) {
    expect(page).toContain(text);
  }
});

test('of a long table the first rows are open and the others folded; a short one has no fold', () => {
  const rows = (count: number) =>
    table(
      ['n'],
      Array.from({ length: count }, (_, row) => [String(row)]),
    );
  expect(rows(12)).not.toContain('<details>');
  expect(rows(1500)).toMatch(/<td>9<\/td><\/tr><\/tbody>.*<summary>1,490 more<\/summary>.*<td>10<\/td>/s);
  expect(rows(0)).toBe('');
});

test('the plot of scores marks champion, former champions, refused ones and the sealed test', () => {
  const judged = fullSource();
  const keep = { ...judged.decisions[0]!, kind: 'keep', iteration: 2 };
  const { iterations, test: sealed } = buildReport({ ...judged, decisions: [...judged.decisions, keep] });
  const kinds = scorePlot(iterations, 0.9, sealed).match(/<g class="\w+"><title>[\w ]+/g);
  expect(kinds).toEqual([
    '<g class="promoted"><title>iteration 0',
    '<g class="champion"><title>iteration 1',
    '<g class="refused"><title>iteration 2',
    '<g class="test"><title>sealed test',
  ]);
});
