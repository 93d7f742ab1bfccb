import { jobFailure, TaskHarness } from '../src/testing/task-harness';
import { taskSpec } from '../src/testing/job-results';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
});
afterAll(() => harness?.close());

test('a STANDARD task runs its phases once, reads the sealed test once and completes', async () => {
  const task = taskSpec();
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1, testScore: 0.5, stopReason: null });
  expect(harness.statuses(task.taskId)).toEqual(['OPTIMIZING', 'TRAINING', 'EVALUATING', 'COMPLETED']);
  expect(harness.decisions(task.taskId)).toEqual(['promote', 'read-test']);
  expect(harness.reports).toContain(task.taskId);
  expect(harness.stopped.filter(({ jobKey }) => jobKey.startsWith(task.taskId))).toEqual([]);
  const keys = harness.requests.filter((one) => one.taskId === task.taskId).map((one) => one.jobKey);
  expect(keys).toEqual(
    ['optimization', 'training', 'evaluation', 'final'].map((phase) => `${task.taskId}/0/${phase}/0`),
  );
});

test('the numbers of the writes grow one by one, and every execution ends completed', async () => {
  const task = taskSpec({ seq: 4 });
  await harness.start(task);
  await harness.outcome(task.taskId);
  const changes = harness.changesOf(task.taskId);
  expect(changes.map((change) => change.seq)).toEqual(changes.map((_, index) => index + 5));
  const last = new Map(changes.flatMap((change) => change.executions).map((one) => [one.phase, one]));
  expect([...last.values()].map(({ phase, status, segment }) => ({ phase, status, segment }))).toEqual([
    { phase: 'optimization', status: 'completed', segment: 0 },
    { phase: 'training', status: 'completed', segment: 0 },
    { phase: 'evaluation', status: 'completed', segment: 0 },
  ]);
  expect(last.get('evaluation')).toMatchObject({ score: 0.5, inputDatasetId: `dataset_${task.taskId.slice(5)}_i0` });
});

test('the trainer is never given the rows that decide scores, nor the optimizer once it has made them', async () => {
  const task = taskSpec();
  await harness.start(task);
  await harness.outcome(task.taskId);
  const requests = harness.requests.filter((one) => one.taskId === task.taskId);
  const optimization = requests.find((one) => one.jobKey.includes('/optimization/'));
  expect(JSON.stringify(optimization).match(/sealed[^"]*/g)).toEqual(['sealedPrefix', 'sealed/']);
  const training = requests.find((one) => one.jobKey.includes('/training/'));
  expect(JSON.stringify(training)).not.toContain('sealed');
  const evaluation = requests.find((one) => one.jobKey.includes('/evaluation/'));
  expect(evaluation).toMatchObject({ purpose: 'iteration', test: null });
  const final = requests.find((one) => one.jobKey.includes('/final/'));
  const trained = training && 'train' in training ? training.train : undefined;
  const select = evaluation && 'select' in evaluation ? evaluation.select : undefined;
  expect(select).toBeDefined();
  expect(final).toMatchObject({ purpose: 'final', train: trained, mine: null, select, champion: null });
});

test('the optimizer is asked for the operators that the task names, and told the metric', async () => {
  const operators = { maskPersonalData: true, maxRowsPerClass: 20, maxRowsPerGroup: null, useTeacher: false };
  const metric = 'macro_f1';
  const task = taskSpec({ operators, metric });
  await harness.start(task);
  await harness.outcome(task.taskId);
  expect(harness.requests.find((one) => one.jobKey === `${task.taskId}/0/optimization/0`)).toMatchObject({
    operators,
    metric,
  });
});

test('a task without test rows completes without a test score', async () => {
  const task = taskSpec({ test: null });
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({ testScore: null });
  expect(harness.decisions(task.taskId)).not.toContain('read-test');
});

test('an unreadable data set fails the task in one attempt, with its code and where to look', async () => {
  const task = taskSpec();
  harness.script(task.taskId, 'optimization', async () => {
    throw jobFailure('DATASET_UNREADABLE');
  });
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toEqual({ cancelled: false, type: 'DATASET_UNREADABLE' });
  expect(harness.statuses(task.taskId)).toEqual(['OPTIMIZING', 'FAILED']);
  expect(harness.requests.filter((one) => one.taskId === task.taskId)).toHaveLength(1);
  const last = harness.changesOf(task.taskId).at(-1);
  expect(last?.fields.failure).toMatchObject({
    code: 'DATASET_UNREADABLE',
    phase: 'optimization',
    retryable: false,
    details: { line: 3 },
  });
  expect(last?.executions).toMatchObject([{ phase: 'optimization', status: 'failed' }]);
  expect(harness.reports).toContain(task.taskId);
});

test('a lost job starts anew as the next segment, under prefixes of its own', async () => {
  const task = taskSpec();
  harness.script(task.taskId, 'training', async ({ segment }) => {
    if (segment === 0) throw jobFailure('JOB_LOST', true);
  });
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({
    champion: { modelPath: `models/${task.taskId}/0/s1/attempt-1/` },
  });
  const rows = harness.changesOf(task.taskId).flatMap((change) => change.executions);
  expect(rows.filter((one) => one.phase === 'training').map(({ segment, status }) => `${segment} ${status}`)).toEqual([
    '0 running',
    '0 failed',
    '1 running',
    '1 completed',
  ]);
  expect(harness.stopped).toContainEqual({ service: 'trainer', jobKey: `${task.taskId}/0/training/0` });
});

test.each([
  ['lost, so at least once', null, 3],
  ['begun twice before its fault', 2, 4],
  ['never begun', 0, 2],
])('each start of the final test counts as a read of the sealed rows: a job %s', async (_what, begun, reads) => {
  const task = taskSpec();
  if (begun !== null) harness.stoppedAttempts.set(task.taskId, begun);
  harness.script(task.taskId, 'final', async ({ segment }) => {
    if (segment === 0) throw jobFailure('JOB_LOST', true);
  });
  harness.finalAttempts.set(task.taskId, 2);
  await harness.start(task);
  await harness.outcome(task.taskId);
  const results = harness.changesOf(task.taskId).flatMap(({ fields }) => fields.testResult ?? []);
  expect(results.map((one) => one.reads)).toEqual([reads]);
});

test('a phase whose job is lost three times fails the task', async () => {
  const task = taskSpec();
  harness.script(task.taskId, 'evaluation', async () => {
    throw jobFailure('JOB_LOST', true);
  });
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toEqual({ cancelled: false, type: 'JOB_LOST' });
  expect(harness.requests.filter((one) => one.jobKey.startsWith(`${task.taskId}/0/evaluation/`))).toHaveLength(3);
  expect(harness.changesOf(task.taskId).at(-1)?.fields.failure).toMatchObject({ phase: 'evaluation', retryable: true });
});

test('starting a task twice, also after its end, finds the same workflow', async () => {
  const task = taskSpec();
  const [first, second] = await Promise.all([harness.start(task), harness.start(task)]);
  await harness.outcome(task.taskId);
  expect([first, second, await harness.start(task)]).toEqual(Array(3).fill(`wlops-task-${task.taskId}`));
  expect(harness.requests.filter((one) => one.taskId === task.taskId)).toHaveLength(4);
});
