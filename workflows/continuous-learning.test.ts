import { pauseTask, queryTaskStatus, resumeTask, updateStopConditions } from '../src/temporal/control-task';
import { pairedComparison, objectRef, taskSpec } from '../src/testing/job-results';
import { gate } from '../src/testing/gate';
import { fetchExecution, summaryOf } from '../src/testing/histories';
import { TaskHarness } from '../src/testing/task-harness';
import { until } from '../src/testing/until';
import { taskWorkflowId, type TaskSpec } from '../src/contracts/task-workflow';
import type { StopConditions } from '../src/domain/stop-conditions';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
});
afterAll(() => harness?.close());

function loop(conditions: Partial<StopConditions> = {}, overrides: Partial<TaskSpec> = {}): TaskSpec {
  const base = taskSpec();
  return taskSpec({
    mode: 'CONTINUOUS',
    stopConditions: { ...base.stopConditions, ...conditions },
    ...overrides,
  });
}

const ITERATION = ['OPTIMIZING', 'TRAINING', 'EVALUATING'];

test('maxIterations counts passes: the loop runs 0 … n−1, one workflow run each, and then reads the sealed test once', async () => {
  const task = loop({ maxIterations: 3 });
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({
    iterations: 3,
    champion: { iteration: 2, score: 0.7 },
    stopReason: { policy: 'maxIterations', iterations: 3, limit: 3 },
  });
  expect(harness.statuses(task.taskId)).toEqual([
    ...[...ITERATION, 'LOOPING'],
    ...[...ITERATION, 'LOOPING'],
    ...[...ITERATION, 'COMPLETED'],
  ]);
  expect(harness.decisions(task.taskId)).toEqual([
    ...['promote', 'continue', 'promote', 'continue', 'promote'],
    ...['stop', 'read-test'],
  ]);
  const finals = harness.requests.filter((one) => one.jobKey.startsWith(task.taskId) && one.jobKey.includes('/final/'));
  expect(finals.map((one) => one.jobKey)).toEqual([`${task.taskId}/2/final/0`]);
});

test('the target ends the loop as soon as an iteration reaches it', async () => {
  const task = loop({ maxIterations: 5, performanceThreshold: 0.6 });
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({
    iterations: 2,
    stopReason: { policy: 'performanceThreshold', score: 0.6, threshold: 0.6 },
  });
});

test('of a loss the lower one is promoted, and the loop ends at or below the target', async () => {
  const task = loop({ maxIterations: 9, performanceThreshold: 0.5 }, { metric: 'loss' });
  harness.scores.set(task.taskId, [2.4, 1.2, 1.9, 0.8, 0.45]);
  const refused = pairedComparison({ championIteration: 1, difference: 0.7, low: 0.5, high: 0.9 });
  const better = pairedComparison({ championIteration: 1, difference: -0.4, low: -0.6, high: -0.2 });
  harness.comparisons.set(task.taskId, [null, null, refused, better]);
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({
    iterations: 5,
    champion: { iteration: 4, score: 0.45 },
    stopReason: { policy: 'performanceThreshold', score: 0.45, compared: 0.45, threshold: 0.5 },
  });
  const verdicts = ['promote', 'promote', 'keep', 'promote', 'promote'];
  expect(harness.decisions(task.taskId).filter((kind) => kind === 'promote' || kind === 'keep')).toEqual(verdicts);
  // Of a loss that no longer falls the plateau says so.
  const flat = loop({ maxIterations: 9, plateau: { patience: 2, minimumGain: 0.1 } }, { metric: 'loss' });
  harness.scores.set(flat.taskId, [2.4, 1.2, 1.15, 1.3]);
  await harness.start(flat);
  expect(await harness.outcome(flat.taskId)).toMatchObject({
    champion: { iteration: 2, score: 1.15 },
    stopReason: { policy: 'plateau', gain: expect.closeTo(0.05) },
  });
});

test('a worse challenger does not replace the champion, and the next iteration starts from the champion', async () => {
  const task = loop({ maxIterations: 3 });
  harness.scores.set(task.taskId, [0.6, 0.4, 0.5]);
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({ champion: { iteration: 0, score: 0.6 }, testScore: 0.6 });
  expect(harness.decisions(task.taskId)).toEqual([
    ...['promote', 'continue', 'keep', 'continue', 'keep'],
    ...['stop', 'read-test'],
  ]);
  const own = taskId(task);
  const optimizations = harness.requests.filter((one) => own(one) && one.jobKey.includes('/optimization/'));
  expect(optimizations.map((one) => 'recipe' in one && one.recipe?.key.split('/')[1])).toEqual([
    undefined,
    ...Array<string>(2).fill(`dataset_${task.taskId.slice(5)}_i0`),
  ]);
  expect(optimizations.map((one) => 'feedback' in one && (one.feedback?.key ?? null))).toEqual([
    null,
    ...Array<string>(2).fill(`evaluations/${task.taskId}/0/s0/attempt-1/improvements.json`),
  ]);
  // What has lost is told, so that it is not tried again.
  expect(optimizations.map((one) => 'rejected' in one && one.rejected.map(({ key }) => key.split('/')[1]))).toEqual([
    [],
    [],
    [`dataset_${task.taskId.slice(5)}_i1`],
  ]);
  expect(new Set(optimizations.map((one) => one.seed)).size).toBe(3);
  const final = harness.requests.find((one) => own(one) && one.jobKey.includes('/final/'));
  expect(final).toMatchObject({ iteration: 0, model: { key: `models/${task.taskId}/0/s0/manifest.json` } });
});

test('the ledger tells a challenger that was trained on the very rows of the champion', async () => {
  const task = loop({ maxIterations: 3 });
  const train = { ...objectRef('optimized/same/train.parquet'), rows: 8 };
  for (const iteration of [1, 2]) harness.optimizations.set(`${task.taskId}/${iteration}`, { train });
  harness.scores.set(task.taskId, [0.5, 0.6, 0.6]);
  await harness.start(task);
  await harness.outcome(task.taskId);
  const verdicts = harness
    .changesOf(task.taskId)
    .flatMap((change) => change.decisions)
    .filter(({ kind }) => kind === 'promote' || kind === 'keep');
  expect(verdicts.map(({ facts }) => facts.sameRows)).toEqual([false, false, true]);
});

test('compared row by row the rows decide, not the scores, and the ledger holds rule and numbers', async () => {
  const task = loop({ maxIterations: 4 });
  const regressions = [{ name: 'label = rare', support: 12, before: 0.1, after: 0.6, qValue: 0.01 }];
  const better = pairedComparison({ difference: 0.1, low: 0.02, high: 0.18, pValue: 0.01 });
  const comparisons = [
    null,
    pairedComparison({ difference: -0.05 }),
    pairedComparison({ regressions }),
    pairedComparison({ ...better, calibrationChange: 0.3 }),
  ];
  harness.scores.set(task.taskId, [0.6, 0.9, 0.9, 0.5]);
  harness.comparisons.set(task.taskId, comparisons);
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({ champion: { iteration: 3, score: 0.5 } });
  const verdicts = harness
    .changesOf(task.taskId)
    .flatMap((change) => change.decisions)
    .filter(({ kind }) => kind === 'promote' || kind === 'keep');
  expect(verdicts.map(({ kind, facts }) => [kind, facts.reason])).toEqual([
    ['promote', 'first'],
    ['keep', 'not-better'],
    ['keep', 'regression'],
    ['promote', 'better'],
  ]);
  expect(verdicts.map(({ facts }) => facts.comparison)).toEqual(comparisons);
  for (const { facts } of verdicts.slice(1)) expect(facts.rule).toMatch(/^paired difference on select better than 0/);
});

test('a challenger that was refused reaches no target and is no progress', async () => {
  const refused = [null, ...Array<object>(2).fill({ difference: -0.1 })].map((one) => one && pairedComparison(one));
  const task = loop({ maxIterations: 9, performanceThreshold: 0.8, plateau: { patience: 2, minimumGain: 0.01 } });
  harness.scores.set(task.taskId, [0.6, 0.85, 0.9]);
  harness.comparisons.set(task.taskId, refused);
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({
    iterations: 3,
    champion: { iteration: 0 },
    stopReason: { policy: 'plateau', patience: 2, gain: 0 },
  });
});

test('the split of iteration 0 is frozen: every later iteration is given the same one', async () => {
  const task = loop({ maxIterations: 3 });
  await harness.start(task);
  await harness.outcome(task.taskId);
  const splits = harness.requests
    .filter((one) => one.taskId === task.taskId && one.jobKey.includes('/optimization/'))
    .map((one) => ('split' in one ? (one.split?.key ?? null) : null));
  const first = `optimized/dataset_${task.taskId.slice(5)}_i0/attempt-1/split.json`;
  expect(splits).toEqual([null, first, first]);
});

test.each(['select', 'test'] as const)('an optimizer that gives other %s rows later ends the task', async (role) => {
  const task = loop({ maxIterations: 3 });
  const easier = { ...objectRef(`evaluations/${task.taskId}/sealed/attempt-9/${role}.parquet`), rows: 5 };
  harness.optimizations.set(`${task.taskId}/1`, { [role]: easier });
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({ type: 'SPLIT_CHANGED' });
  expect(harness.statuses(task.taskId).at(-1)).toBe('FAILED');
  expect(harness.changesOf(task.taskId).at(-1)?.fields.failure).toMatchObject({
    code: 'SPLIT_CHANGED',
    retryable: false,
  });
  const later = harness.requests.filter(({ taskId, iteration }) => taskId === task.taskId && iteration === 1);
  expect(later.map(({ jobKey }) => jobKey.split('/')[2])).toEqual(['optimization']);
});

test('plateau and training budget stop the loop with their numbers', async () => {
  const flat = loop({ maxIterations: 9, plateau: { patience: 1, minimumGain: 0.02 } });
  harness.scores.set(flat.taskId, [0.6, 0.61]);
  const costly = loop({ maxIterations: 9, budget: { wallSeconds: null, trainingSeconds: 5 } });
  await Promise.all([harness.start(flat), harness.start(costly)]);
  expect(await harness.outcome(flat.taskId)).toMatchObject({ stopReason: { policy: 'plateau', patience: 1 } });
  expect(await harness.outcome(costly.taskId)).toMatchObject({
    iterations: 2,
    stopReason: { policy: 'budget', trainingSeconds: 6, limit: 5 },
  });
});

test('lowering maxIterations while the loop runs ends it after the running iteration', async () => {
  const task = loop({ maxIterations: 50 });
  const training = harness.hold(task.taskId, 'training', 1);
  await harness.start(task);
  await training.reached;
  const answer = await updateStopConditions(harness.temporal.client, task.taskId, {
    maxIterations: 1,
    actor: 'user:1',
  });
  expect(answer).toMatchObject({ maxIterations: 1, rule: 'point' });
  training.letGo();
  expect(await harness.outcome(task.taskId)).toMatchObject({
    iterations: 2,
    stopReason: { policy: 'maxIterations', limit: 1 },
  });
  const edit = harness
    .changesOf(task.taskId)
    .flatMap((change) => change.decisions)
    .find((one) => one.kind === 'edit-stop-conditions');
  expect(edit).toMatchObject({
    actor: 'user:1',
    facts: { before: { maxIterations: 50 }, after: { maxIterations: 1 } },
  });
});

test('edited stop conditions survive continue-as-new', async () => {
  const task = loop({ maxIterations: 2 });
  const first = harness.hold(task.taskId, 'optimization', 0);
  await harness.start(task);
  await first.reached;
  await updateStopConditions(harness.temporal.client, task.taskId, { maxIterations: 4 });
  first.letGo();
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 4 });
});

test.each([
  [{ maxIterations: 0 }, /maxIterations must be a whole number from 1/],
  [{ performanceThreshold: 'high' }, /performanceThreshold must be a number/],
  [{ patience: 3 }, /patience is not a stop condition/],
  [{}, /name at least one of/],
])('stop conditions %j are refused before they are accepted', async (patch, reason) => {
  const task = loop({ maxIterations: 1 });
  const first = harness.hold(task.taskId, 'optimization');
  await harness.start(task);
  await first.reached;
  await expect(updateStopConditions(harness.temporal.client, task.taskId, patch as never)).rejects.toMatchObject({
    code: 'ILLEGAL_TRANSITION',
    message: expect.stringMatching(reason),
  });
  first.letGo();
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
});

test('a pause asked for while the loop turns is carried into the next run, which suspends before its first phase', async () => {
  const task = loop({ maxIterations: 2 });
  const { client } = harness.temporal;
  const looping = gate();
  harness.beforeRecord = async ({ taskId, status }) => {
    if (taskId === task.taskId && status === 'LOOPING') await looping.opened;
  };
  await harness.start(task);
  await until('the loop to turn', async () => (await queryTaskStatus(client, task.taskId)).status === 'LOOPING');
  expect(await pauseTask(client, task.taskId, { reason: 'lunch' })).toEqual({
    status: 'LOOPING',
    controlState: 'pausing',
  });
  looping.open();
  const suspended = await harness.reaches(task.taskId, 'SUSPENDED');
  expect(suspended).toMatchObject({ controlState: 'none' });
  const { runs } = await fetchExecution(client, taskWorkflowId(task.taskId));
  const suspends = runs.map(({ history }) =>
    history.events.some((event) => summaryOf(event).startsWith('record SUSPENDED')),
  );
  expect(suspends.slice(0, 2)).toEqual([false, true]);
  await resumeTask(client, task.taskId);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 2 });
  const statuses = harness.statuses(task.taskId);
  const at = statuses.indexOf('SUSPENDED');
  expect(statuses.slice(at - 1, at + 2)).toEqual(['LOOPING', 'SUSPENDED', 'OPTIMIZING']);
});

test('an update that arrives while a run closes is taken by the next one', async () => {
  const tasks = Array.from({ length: 4 }, () => loop({ maxIterations: 3 }));
  await Promise.all(
    tasks.map(async (task) => {
      const { taskId } = task;
      // On a slow machine the loop could otherwise end before the update arrives.
      const last = harness.hold(taskId, 'optimization', 2);
      await harness.start(task);
      await harness.hasBeen(taskId, 'LOOPING');
      expect(await pauseTask(harness.temporal.client, taskId)).toMatchObject({ controlState: 'pausing' });
      last.letGo();
      await harness.reaches(taskId, 'SUSPENDED');
      await resumeTask(harness.temporal.client, taskId);
      expect(await harness.outcome(taskId)).toMatchObject({ iterations: 3 });
    }),
  );
});

test('stop conditions edited while suspended after an evaluation decide whether the loop goes on', async () => {
  const task = loop({ maxIterations: 1 });
  await harness.suspendAfterEvaluation(task);
  await updateStopConditions(harness.temporal.client, task.taskId, { maxIterations: 2 });
  await resumeTask(harness.temporal.client, task.taskId);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 2 });
});

test('the time a task is suspended is not taken from its budget', async () => {
  const task = loop({ maxIterations: 9, budget: { wallSeconds: 0.001, trainingSeconds: null } }, { test: null });
  await harness.suspendAfterEvaluation(task);
  await resumeTask(harness.temporal.client, task.taskId);
  await harness.outcome(task.taskId);
  const changes = harness.changesOf(task.taskId);
  const suspended = changes.findIndex(({ status }) => status === 'SUSPENDED');
  const resumed = changes.findIndex(({ status }, index) => index > suspended && status === 'EVALUATING');
  const at = (index: number): number => changes.at(index)?.at ?? NaN;
  expect(at(resumed)).toBeGreaterThan(at(suspended));
  const stop = changes.flatMap((change) => change.decisions).find(({ kind }) => kind === 'stop');
  expect(stop?.facts).toMatchObject({ policy: 'budget' });
  expect(stop?.facts.wallSeconds).toBeCloseTo((at(-1) - at(0) - (at(resumed) - at(suspended))) / 1000, 6);
});

function taskId(task: TaskSpec): (one: { taskId: string }) => boolean {
  return (one) => one.taskId === task.taskId;
}
