import { evaluateResult, optimizeResult, taskSpec, trainResult, TRAINING_FILE } from '../testing/job-results';
import { evaluationRequest, optimizationRequest, trainingRequest } from '../../workflows/job-requests';
import type { EvaluateResult, OptimizeResult } from '../contracts/jobs';
import { buildReport } from './build-report';
import { escapeHtml } from './escape';
import { renderReportHtml } from './html';
import { lossPlot, roundAxis } from './plots';
import type { ExecutionRowFacts, ReportSource } from './report';

const AT = new Date('2030-01-01T00:00:00Z');
const LATER = new Date('2030-01-01T00:00:12.500Z');
const HOSTILE = `"><script>alert('x')</script>&`;

function source(scores: number[], overrides: Partial<ReportSource['task']> = {}): ReportSource {
  const task = taskSpec({ taskId: 'task_r' });
  const executions = scores.flatMap((score, iteration): ExecutionRowFacts[] => {
    const state = { iteration, champion: null, split: null, taskType: null } as never;
    const base = { iteration, segment: 0, status: 'completed', startedAt: AT, completedAt: LATER };
    const paths = { outputDatasetId: null, modelPath: null, evaluationPath: null };
    const request = {
      ...optimizationRequest({ task, state }, 0),
      feedback: iteration ? { key: 'f', sha256: '' } : null,
    };
    const optimization = optimizeResult(request);
    const training = trainResult(trainingRequest({ task, state }, 0, optimization));
    const rare = { support: 12, errorRate: 0.8 - 0.3 * iteration, lift: 2 };
    const evaluation = evaluateResult(evaluationRequest({ task, state }, 0, optimization, training), score, {
      slices: [{ name: 'label = rare', ...rare, qValue: 0.01 }],
      improvements: [{ id: 'imp-1', kind: 'augment', slice: 'label = rare', ...rare, gainBound: 0.1 }],
    });
    return [
      { ...base, ...paths, phase: 'optimization', outputDatasetId: `dataset_r_i${iteration}`, details: optimization },
      { ...base, ...paths, phase: 'training', modelPath: training.modelPath, details: training },
      { ...base, ...paths, phase: 'evaluation', evaluationPath: evaluation.report.key, details: evaluation },
    ];
  });
  return {
    task: {
      id: 9n,
      taskId: 'task_r',
      taskName: 'a task',
      taskMode: 'CONTINUOUS',
      status: 'COMPLETED',
      controlState: 'none',
      modelName: 'builtin:classifier',
      datasetId: 'dataset_1',
      validationDatasetId: null,
      testDatasetId: null,
      poolDatasetId: null,
      currentDatasetId: null,
      userId: 1,
      currentIteration: scores.length - 1,
      maxIterations: 5,
      performanceThreshold: 0.9,
      stopPolicies: {},
      hyperparameters: {},
      seed: 7,
      metric: null,
      taskType: 'classification',
      latestModelPath: null,
      latestEvaluationPath: null,
      latestScore: scores.at(-1) ?? null,
      metricInfo: { name: 'accuracy', higherIsBetter: true },
      championIteration: 1,
      progress: null,
      stopReason: null,
      failure: null,
      controlReason: null,
      testResult: null,
      createdAt: AT,
      startRequestedAt: AT,
      workflowStartedAt: AT,
      completedAt: LATER,
      updatedAt: LATER,
      ...overrides,
    },
    executions,
    decisions: [{ seq: 3, iteration: 0, kind: 'promote', facts: { rule: 'larger' }, actor: 'workflow', decidedAt: AT }],
    datasetSha256: 'c'.repeat(64),
  };
}

test('a report holds each iteration’s score, steps, findings, seconds and lineage', () => {
  const report = buildReport(source([0.4, 0.9]));
  expect(report.metric).toEqual({ name: 'accuracy', higherIsBetter: true });
  expect(report.iterations).toHaveLength(2);
  expect(report.iterations[1]).toMatchObject({
    iteration: 1,
    score: 0.9,
    low: 0.85,
    samples: 20,
    champion: true,
    datasetId: 'dataset_r_i1',
    steps: [{ name: 'parse', rowsIn: 120, rowsOut: 110, removed: { unreadable: 10 } }],
    leakage: { exactOverlaps: 2, nearOverlaps: 1, paraphrases: null },
    labelIssues: { flagged: 3, quarantined: 1 },
    improvements: [{ id: 'imp-1', kind: 'augment', slice: 'label = rare', support: 12, gainBound: 0.1 }],
    controlArm: null,
    seconds: { optimization: 0.4, training: 3, evaluation: 1 },
  });
  expect(report.lineage).toMatchObject({
    datasetSha256: 'c'.repeat(64),
    seed: 7,
    code: { version: expect.any(String) },
  });
  expect(report.lineage.modelSha256).toMatch(/^[0-9a-f]{64}$/);
  expect(report.decisions[0]).toMatchObject({ kind: 'promote', decidedAt: '2030-01-01T00:00:00.000Z' });
});

test('how the files were read is told in the iteration that read them', () => {
  const report = buildReport(source([0.4, 0.9]));
  expect(report.iterations.map(({ files }) => files)).toEqual([[TRAINING_FILE], null]);
  expect(renderReportHtml(report)).toContain(
    '<td>training</td><td>csv, with a header</td><td>text</td><td>label</td><td>120</td><td>10</td>',
  );
});

test('the seconds of an optimization stored without its own are those of its steps', () => {
  const older = source([0.4]);
  const optimization = older.executions.find(({ phase }) => phase === 'optimization')?.details as { seconds?: number };
  delete optimization.seconds;
  expect(buildReport(older).iterations[0]?.seconds.optimization).toBe(0.1);
});

test('the uplift of an applied improvement is measured on its slice, and is null where nothing is known', () => {
  const [first, second] = buildReport(source([0.4, 0.9])).iterations;
  expect(first?.applied).toEqual([]);
  // Found with an error rate of 0.8, seen again with 0.5.
  const [applied] = second?.applied ?? [];
  expect(applied).toMatchObject({ id: 'imp-1', rows: 12 });
  expect(applied?.uplift).toBeCloseTo(0.3);
  expect(applied?.low).toBeLessThan(0.3);
  expect(applied?.high).toBeGreaterThan(0.3);
  // A slice that was mended stands out no more; its error rate is known all the same.
  const mended = source([0.4, 0.9]);
  const details = mended.executions.at(-1)?.details as { slices: unknown[]; errorRates: unknown[] };
  details.slices = [];
  details.errorRates = [{ name: 'label = rare', support: 12, errorRate: 0 }];
  expect(buildReport(mended).iterations[1]?.applied?.[0]?.uplift).toBeCloseTo(0.8);
  const silent = source([0.4, 0.9]);
  Object.assign(silent.executions.at(-1)?.details as object, { slices: [], errorRates: [] });
  expect(buildReport(silent).iterations[1]?.applied?.[0]?.uplift).toBeNull();
});

test('uplift is measured against the champion that was learned from, not against a challenger that was refused', () => {
  // The errors of iterations 0, 1 and 2 on the slice are 0.8, 0.5 and 0.2.
  const refused = source([0.9, 0.4, 0.91], { championIteration: 0 });
  const [, second, third] = buildReport(refused).iterations;
  expect(second?.applied?.[0]?.uplift).toBeCloseTo(0.3);
  expect(third?.applied?.[0]?.uplift).toBeCloseTo(0.6);
});

test('an improvement that made no rows has no uplift', () => {
  const idle = source([0.4, 0.9]);
  const optimization = idle.executions.find((row) => row.iteration === 1 && row.phase === 'optimization');
  Object.assign((optimization?.details as OptimizeResult).applied[0] as object, { rows: 0 });
  expect(buildReport(idle).iterations[1]?.applied).toMatchObject([{ id: 'imp-1', rows: 0, uplift: null, low: null }]);
});

test('rows of a version that knew no error rates are still reported', () => {
  const older = source([0.4, 0.9]);
  for (const row of older.executions) delete (row.details as Partial<EvaluateResult>).errorRates;
  Object.assign(older.executions.at(-1)?.details as object, { slices: [] });
  expect(buildReport(older).iterations[1]).toMatchObject({ score: 0.9, applied: [{ id: 'imp-1', uplift: null }] });
});

test('a task that has just begun has a report of nulls, not of inventions', () => {
  const begun = source([]);
  const report = buildReport({
    ...begun,
    task: { ...begun.task, metricInfo: null, championIteration: null },
    datasetSha256: null,
  });
  expect(report).toMatchObject({ metric: null, iterations: [], test: null, lineage: { modelSha256: null } });
  const running: ExecutionRowFacts = {
    ...{ iteration: 0, phase: 'optimization', segment: 0, status: 'running', outputDatasetId: null, modelPath: null },
    ...{ evaluationPath: null, details: null, startedAt: AT, completedAt: null },
  };
  expect(buildReport({ ...begun, executions: [running] }).iterations).toMatchObject([
    { iteration: 0, score: null, steps: null, seconds: { optimization: null } },
  ]);
});

test('the page is one file without scripts or requests', () => {
  const page = renderReportHtml(buildReport(source([0.4, 0.9])), {
    confusion: {
      labels: ['a', 'b'],
      cells: [
        [0, 0, 9],
        [0, 1, 1],
        [1, 1, 10],
      ],
    },
    badCases: { total: 1, shown: [{ id: 'r1', text: 'hello', label: 'a', prediction: 'b' }] },
  });
  expect(page).not.toMatch(/<script|<link|<img|<iframe|https?:|url\(|@import|\son\w+=/i);
  expect(page.match(/<svg/g)).toHaveLength(2);
  for (const part of ['Score by iteration', 'Training loss', 'Confusion', 'Bad cases', 'Decisions', 'Lineage']) {
    expect(page).toContain(part);
  }
});

test('text of users, data and services stays text wherever it stands', () => {
  const hostile = source([0.4, 0.9], {
    taskName: HOSTILE,
    modelName: HOSTILE,
    controlReason: HOSTILE,
    failure: { message: HOSTILE },
    hyperparameters: { [HOSTILE]: HOSTILE },
  });
  for (const row of hostile.executions) {
    row.details = JSON.parse(
      JSON.stringify(row.details).replaceAll('label = rare', JSON.stringify(HOSTILE).slice(1, -1)),
    );
  }
  const page = renderReportHtml(buildReport(hostile), {
    confusion: { labels: [HOSTILE, 'b'], cells: [[0, 1, 3]] },
    badCases: {
      total: 1,
      shown: [{ [HOSTILE]: HOSTILE, neighbours: [{ input: HOSTILE, reference: HOSTILE }, HOSTILE, [HOSTILE]] }],
    },
  });
  expect(page).not.toContain('<script');
  expect(page).toContain('&lt;script&gt;');
});

test('of a bad case’s neighbours each is one line, and its label stands whole behind a text that is cut', () => {
  const neighbours = [
    { input: 'x'.repeat(400), reference: 'refund' },
    { input: 'short', reference: 'card' },
  ];
  const page = renderReportHtml(buildReport(source([0.4])), {
    confusion: null,
    badCases: { total: 1, shown: [{ confidence: 0.123456, neighbours }] },
  });
  expect(page).toMatch(/<td>0\.1235<\/td><td>x{150}… → refund<br>short → card<\/td>/);
});

test('the loss of a thousand iterations is plotted, with whole steps on the axis', () => {
  const [one] = buildReport(source([0.4])).iterations;
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
  const report = buildReport(source([0.4]));
  const page = renderReportHtml(report, { confusion: part, badCases: part });
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
  const stopped = renderReportHtml(
    buildReport(source([0.97], { stopReason: { policy: 'performanceThreshold', score: 0.97123, threshold: 0.95 } })),
  );
  expect(stopped).toContain('performanceThreshold: score 0.9712, threshold 0.95');
  const failure = { code: 'DATASET_EMPTY', message: 'No usable row is left', retryable: false };
  expect(renderReportHtml(buildReport(source([], { failure })))).toContain('DATASET_EMPTY: No usable row is left');
});
