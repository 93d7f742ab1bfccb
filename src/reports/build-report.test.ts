import { pairedComparison, TAUGHT, TRAINING_FILE, TRIAL } from '../testing/job-results';
import { detailsOf, reportSource } from '../testing/report-source';
import type { EvaluateResult, OptimizeResult } from '../contracts/jobs';
import { buildReport } from './build-report';
import { renderReportHtml } from './html';
import { interruptionWords } from './interruptions';
import type { ExecutionRowFacts, ReportInterruption, ReportIteration } from './report';

test('a report holds each iteration’s score, steps, findings, seconds and lineage', () => {
  const source = reportSource([0.4, 0.9]);
  const report = buildReport(source);
  expect(report.metric).toEqual({ name: 'accuracy', higherIsBetter: true });
  expect(report.iterations).toHaveLength(2);
  expect(report.iterations[1]).toMatchObject({
    iteration: 1,
    score: 0.9,
    low: 0.85,
    samples: 20,
    champion: true,
    datasetId: 'dataset_r_i1',
    rowsBySource: { original: 68, augment: 12 },
    roles: { train: 80, mine: 10, select: 20, test: 30, pool: null },
    steps: [{ name: 'parse', rowsIn: 120, rowsOut: 110, removed: { unreadable: 10 }, changed: 0 }],
    leakage: { exactOverlaps: 2, nearOverlaps: 1, paraphrases: null },
    labelIssues: { flagged: 3, quarantined: 1 },
    improvements: [{ id: 'imp-1', kind: 'augment', slice: 'label = rare', support: 12, gainBound: 0.1 }],
    controlArm: null,
    seconds: { optimization: 0.4, training: 3, evaluation: 1 },
  });
  expect(report.lineage).toMatchObject({
    datasetSha256: 'c'.repeat(64),
    optimizedDatasetSha256: detailsOf<OptimizeResult>(source, 1, 'optimization').train.sha256,
    seed: 7,
    code: { version: expect.any(String) },
    config: { operators: { maskPersonalData: false, maxRowsPerClass: null } },
  });
  expect(report.lineage.modelSha256).toMatch(/^[0-9a-f]{64}$/);
  expect(report.decisions[0]).toMatchObject({ kind: 'promote', decidedAt: '2030-01-01T00:00:00.000Z' });
});

test('the lineage names every file that the task was given, with the hash of its bytes', () => {
  const source = reportSource([0.4], { testDatasetId: 'dataset_3', poolDatasetId: 'dataset_2' });
  const uploads = [...source.uploads, { datasetId: 'dataset_2', sha256: 'b'.repeat(64) }];
  expect(buildReport({ ...source, uploads }).lineage.files).toEqual([
    { file: 'training', datasetId: 'dataset_1', sha256: 'c'.repeat(64) },
    { file: 'test', datasetId: 'dataset_3', sha256: null },
    { file: 'pool', datasetId: 'dataset_2', sha256: 'b'.repeat(64) },
  ]);
});

test('how the files were read is told in the iteration that read them', () => {
  const report = buildReport(reportSource([0.4, 0.9]));
  expect(report.iterations.map(({ files }) => files)).toEqual([[TRAINING_FILE], null]);
});

test('rows of labels that training lacks are told, and steps tell how many rows they edited', () => {
  const source = reportSource([0.4]);
  const unknownLabels = { test: { rows: 3, labels: 2 }, pool: { rows: 9, labels: 1 } };
  const optimization = detailsOf<OptimizeResult>(source, 0, 'optimization');
  Object.assign(optimization, { unknownLabels });
  optimization.steps[0]!.changed = 7;
  const report = buildReport(source);
  expect(report.iterations[0]).toMatchObject({ unknownLabels, steps: [{ changed: 7 }] });
  const page = renderReportHtml(report);
  expect(page).toContain('test 3 rows (2 labels), pool 9 rows (1 label) set aside');
  expect(page).toMatch(/<td>parse<\/td>.*?<td class="num">7<\/td><td>unreadable: 10<\/td>/);
  expect(buildReport(reportSource([0.4])).iterations[0]?.unknownLabels).toBeNull();
});

test('the seconds of an optimization stored without its own are those of its steps', () => {
  const older = reportSource([0.4]);
  const optimization = older.executions.find(({ phase }) => phase === 'optimization')?.details as { seconds?: number };
  delete optimization.seconds;
  expect(buildReport(older).iterations[0]?.seconds.optimization).toBe(0.1);
});

test('the uplift of an applied improvement is measured on its slice, and is null where nothing is known', () => {
  const [first, second] = buildReport(reportSource([0.4, 0.9])).iterations;
  expect(first?.applied).toEqual([]);
  // Found with an error rate of 0.8, seen again with 0.5.
  const [applied] = second?.applied ?? [];
  expect(applied).toMatchObject({ id: 'imp-1', rows: 12 });
  expect(applied?.uplift).toBeCloseTo(0.3);
  expect(applied?.low).toBeLessThan(0.3);
  expect(applied?.high).toBeGreaterThan(0.3);
  // A slice that was mended stands out no more; its error rate is known all the same.
  const mended = reportSource([0.4, 0.9]);
  const details = mended.executions.at(-1)?.details as { slices: unknown[]; errorRates: unknown[] };
  details.slices = [];
  details.errorRates = [{ name: 'label = rare', support: 12, errorRate: 0 }];
  expect(buildReport(mended).iterations[1]?.applied?.[0]?.uplift).toBeCloseTo(0.8);
  const silent = reportSource([0.4, 0.9]);
  Object.assign(silent.executions.at(-1)?.details as object, { slices: [], errorRates: [] });
  expect(buildReport(silent).iterations[1]?.applied?.[0]?.uplift).toBeNull();
});

test('uplift is measured against the champion that was learned from, not against a challenger that was refused', () => {
  // The errors of iterations 0, 1 and 2 on the slice are 0.8, 0.5 and 0.2.
  const refused = reportSource([0.9, 0.4, 0.91], { championIteration: 0 });
  const [, second, third] = buildReport(refused).iterations;
  expect(second?.applied?.[0]?.uplift).toBeCloseTo(0.3);
  expect(third?.applied?.[0]?.uplift).toBeCloseTo(0.6);
});

test('the uplift of rows that a slice asked for, and that were taken for all rows, is that of all rows', () => {
  const wide = reportSource([0.4, 0.9]);
  detailsOf<OptimizeResult>(wide, 1, 'optimization').applied[0]!.slice = 'all rows';
  detailsOf<EvaluateResult>(wide, 0, 'evaluation').errorRates = [{ name: 'all rows', support: 100, errorRate: 0.6 }];
  detailsOf<EvaluateResult>(wide, 1, 'evaluation').errorRates = [{ name: 'all rows', support: 100, errorRate: 0.1 }];
  expect(buildReport(wide).iterations[1]?.applied?.[0]?.uplift).toBeCloseTo(0.5);
});

test('an improvement that made no rows has no uplift', () => {
  const idle = reportSource([0.4, 0.9]);
  const optimization = idle.executions.find((row) => row.iteration === 1 && row.phase === 'optimization');
  Object.assign((optimization?.details as OptimizeResult).applied[0] as object, { rows: 0 });
  expect(buildReport(idle).iterations[1]?.applied).toMatchObject([{ id: 'imp-1', rows: 0, uplift: null, low: null }]);
});

test('rows of a version that knew no error rates are still reported', () => {
  const older = reportSource([0.4, 0.9]);
  for (const row of older.executions) delete (row.details as Partial<EvaluateResult>).errorRates;
  Object.assign(older.executions.at(-1)?.details as object, { slices: [] });
  expect(buildReport(older).iterations[1]).toMatchObject({ score: 0.9, applied: [{ id: 'imp-1', uplift: null }] });
});

test('a task that has just begun has a report of nulls, not of inventions', () => {
  const begun = reportSource([]);
  const report = buildReport({
    ...begun,
    task: { ...begun.task, metricInfo: null, championIteration: null },
    uploads: [],
  });
  expect(report).toMatchObject({ metric: null, iterations: [], test: null, lineage: { modelSha256: null } });
  const running: ExecutionRowFacts = {
    ...{ iteration: 0, phase: 'optimization', segment: 0, status: 'running', outputDatasetId: null, modelPath: null },
    ...{
      evaluationPath: null,
      details: null,
      failure: null,
      startedAt: new Date('2030-01-01T00:00:00Z'),
      completedAt: null,
    },
  };
  expect(buildReport({ ...begun, executions: [running] }).iterations).toMatchObject([
    { iteration: 0, score: null, steps: null, seconds: { optimization: null } },
  ]);
});

test('jobs that did not run in one go are told in order, with how far they had come', () => {
  const source = reportSource([0.4]);
  const training = source.executions.find(({ phase }) => phase === 'training') as ExecutionRowFacts;
  const restart = { attempt: 1, at: '2030-01-01T00:00:05.000Z', exitCode: -9, stage: 'epoch 3 of 4', step: 1200 };
  Object.assign(training.details as object, { resumedFromStep: 1000, restarts: [{ ...restart, cause: 'process' }] });
  const base = { ...training, details: null, modelPath: null };
  const lost = { code: 'JOB_LOST', message: 'gone', details: null, retryable: true };
  source.executions = source.executions.flatMap((row) =>
    row === training
      ? [
          { ...base, status: 'suspended', details: { restarts: [{ ...restart, cause: 'service' }] } },
          { ...base, segment: 1, status: 'failed', failure: lost },
          { ...training, segment: 2 },
        ]
      : [row],
  );
  const [iteration] = buildReport(source).iterations as [ReportIteration];
  expect(iteration).toMatchObject({
    resumedFromStep: 1000,
    interruptions: [
      { phase: 'training', segment: 0, cause: 'service' },
      { phase: 'training', segment: 0, cause: 'paused', at: training.completedAt?.toISOString() },
      { phase: 'training', segment: 1, cause: 'JOB_LOST' },
      { phase: 'training', segment: 2, cause: 'process', exitCode: -9, step: 1200, at: restart.at },
    ],
  });
  expect(interruptionWords(iteration)).toBe(
    'training: its service ended (exit code -9) in epoch 3 of 4 at step 1,200; training: paused; training, job 2: JOB_LOST; ' +
      'training, job 3: its process ended without an answer (exit code -9) in epoch 3 of 4 at step 1,200',
  );
  const many = { interruptions: Array.from({ length: 13 }, () => iteration.interruptions[1] as ReportInterruption) };
  expect(interruptionWords(many)).toBe(['3 earlier', ...Array<string>(10).fill('training: paused')].join('; '));
  // What failed for good tells of its restarts in its fault.
  const crashed = {
    ...lost,
    code: 'JOB_CRASHED',
    details: { restarts: [{ ...restart, cause: 'service', step: null }] },
  };
  const failed = { ...source, executions: [{ ...base, status: 'failed', failure: crashed }] };
  expect(buildReport(failed).iterations[0]?.interruptions).toMatchObject([
    { cause: 'service' },
    { cause: 'JOB_CRASHED' },
  ]);
  expect(buildReport(reportSource([0.4])).iterations[0]).toMatchObject({ interruptions: [], resumedFromStep: null });
});

test('an iteration tells what was tried, applied and declined, and how it compares', () => {
  const tried = reportSource([0.4, 0.9]);
  const declined = [{ id: 'imp-2', kind: 'fix' as const, slice: 'all rows', reason: 'no better on mine' }];
  const optimization = detailsOf<OptimizeResult>(tried, 1, 'optimization');
  Object.assign(optimization, { trial: TRIAL, teacher: TAUGHT, declined });
  Object.assign(optimization.applied[0] as object, { trial: TRIAL.arms[0]?.uplift });
  const found = { comparison: pairedComparison(), contamination: CONTAMINATION };
  Object.assign(detailsOf<EvaluateResult>(tried, 1, 'evaluation'), found);
  expect(buildReport(tried).iterations[1]).toMatchObject({
    ...found,
    trial: TRIAL,
    teacher: TAUGHT,
    controlArm: { score: 0.61 },
    declined,
    applied: [{ id: 'imp-1', arm: null, trial: { value: 0.1, low: 0.02, high: 0.18 } }],
  });
  // What a service of an older version did not tell is null.
  const untold = {
    trial: null,
    teacher: null,
    controlArm: null,
    declined: null,
    comparison: null,
    contamination: null,
  };
  expect(buildReport(reportSource([0.4])).iterations[0]).toMatchObject(untold);
});

test('the data of an iteration is told against that of the champion it learned from', () => {
  const changed = reportSource([0.4, 0.9]);
  const optimization = detailsOf<OptimizeResult>(changed, 1, 'optimization');
  optimization.train.rows = 90;
  optimization.labelIssues = { flagged: 3, quarantined: 4 };
  optimization.applied.push({ id: 'imp-3', kind: 'augment', slice: 'label = b', rows: 5 });
  const [first, second] = buildReport(changed).iterations;
  expect(first?.dataChange).toBeNull();
  const byKind = { augment: 17 };
  expect(second?.dataChange).toEqual({ since: 0, rowsBefore: 80, rowsAfter: 90, byKind, quarantined: 3 });
});

test('error rates of parts that both evaluations know are set side by side, those that changed most first', () => {
  const compared = reportSource([0.4, 0.9]);
  const rates = (common: number) => [
    { name: 'all rows', support: 100, errorRate: common },
    { name: 'label = rare', support: 12, errorRate: 0 },
  ];
  detailsOf<EvaluateResult>(compared, 0, 'evaluation').errorRates = [
    ...rates(0.3),
    { name: 'gone', support: 9, errorRate: 1 },
  ];
  detailsOf<EvaluateResult>(compared, 1, 'evaluation').errorRates = rates(0.35);
  const changes = buildReport(compared).iterations[1]?.sliceChanges;
  expect(changes?.map(({ name, before, after }) => ({ name, before, after }))).toEqual([
    { name: 'all rows', before: 0.3, after: 0.35 },
    // The finding's own rate counts, not the one among the frequent parts.
    { name: 'label = rare', before: 0.8, after: 0.5 },
  ]);
  expect(changes?.[0]?.gain).toBeCloseTo(-0.05);
  expect(changes?.[1]?.low).toBeLessThan(0.3);
  expect(buildReport(compared).iterations[0]?.sliceChanges).toBeNull();
});

test('an iteration is promoted or refused as the ledger says, and neither before it says so', () => {
  const judged = reportSource([0.4, 0.9, 0.5]);
  const keep = { ...judged.decisions[0]!, kind: 'keep', iteration: 1 };
  const { iterations } = buildReport({ ...judged, decisions: [...judged.decisions, keep] });
  expect(iterations.map(({ promoted }) => promoted)).toEqual([true, false, null]);
});

test('the test score tells how many sealed rows the model had seen, and an older one does not', () => {
  const score = { score: 0.8, low: 0.7, high: 0.9, samples: 28, unscored: 0, reads: 1, iteration: 1 };
  const testOf = (testResult: object) => buildReport(reportSource([0.4, 0.9], { testResult })).test;
  expect(testOf({ ...score, contamination: CONTAMINATION })).toMatchObject({
    contamination: CONTAMINATION,
    excluded: 2,
  });
  expect(testOf(score)).toMatchObject({ score: 0.8, contamination: null, excluded: null });
});

const CONTAMINATION = { checked: 30, exact: 1, near: 1, paraphrases: null, excluded: 2 };
