import type { ExecutionRecord, TaskChange } from '../contracts/task-record';
import type { Db } from '../db';
import { TASK_STATUSES, canTransition, isTerminal } from '../domain/task-status';
import { createTaskRow, openTestDatabase } from '../testing/database-task';
import { TaskRecordRepository } from './task-records';

let db: Db;
let records: TaskRecordRepository;
beforeAll(() => {
  db = openTestDatabase();
  records = new TaskRecordRepository(db);
});
afterAll(() => db.$disconnect());

const NO_SIZES = new Map<string, number>();
const AT = Date.parse('2030-01-01T00:00:00Z');

function change(taskId: string, seq: number, overrides: Partial<TaskChange> = {}): TaskChange {
  return {
    taskId,
    userId: 1,
    seq,
    at: AT,
    status: 'OPTIMIZING',
    controlState: 'none',
    fields: {},
    executions: [],
    decisions: [],
    datasets: [],
    ...overrides,
  };
}

const execution = (overrides: Partial<ExecutionRecord> = {}): ExecutionRecord => ({
  iteration: 0,
  phase: 'optimization',
  segment: 0,
  status: 'running',
  inputDatasetId: null,
  outputDatasetId: null,
  modelPath: null,
  evaluationPath: null,
  score: null,
  details: null,
  failure: null,
  startedAt: AT,
  completedAt: null,
  ...overrides,
});

const counts = async (taskId: string) => ({
  executions: await db.taskExecution.count({ where: { taskId } }),
  decisions: await db.taskDecision.count({ where: { taskId } }),
  events: await db.taskEvent.count({ where: { taskId } }),
});

test('a change writes the row, its execution, decision, data set and event in one go', async () => {
  const { taskId, datasetId, userId } = await createTaskRow(db);
  const dataset = {
    datasetId: `${datasetId}_i0`,
    name: 'optimised',
    storagePath: 'optimized/x/attempt-1/train.parquet',
    sha256: 'b'.repeat(64),
    sampleCount: 8,
    sourceDatasetId: datasetId,
    iteration: 0,
  };
  const applied = await records.apply(
    change(taskId, 1, {
      userId,
      fields: { currentIteration: 0, taskType: 'classification', latestScore: 0.5 },
      executions: [execution()],
      decisions: [{ kind: 'promote', iteration: 0, facts: { score: 0.5 }, actor: 'workflow' }],
      datasets: [dataset],
    }),
    new Map([[dataset.storagePath, 1234]]),
  );
  expect(applied).toBe(true);
  expect(await db.mlTask.findUnique({ where: { taskId } })).toMatchObject({
    status: 'OPTIMIZING',
    seq: 1,
    latestScore: 0.5,
  });
  expect(await db.dataset.findUnique({ where: { datasetId: dataset.datasetId } })).toMatchObject({
    isOptimized: true,
    sourceDatasetId: datasetId,
    fileSize: 1234n,
    sampleCount: 8,
    domain: 'math',
    userId,
    taskId,
  });
  const [event] = await db.taskEvent.findMany({ where: { taskId } });
  expect(event).toMatchObject({ type: 'task.status', seq: 1, payload: { from: 'PENDING', status: 'OPTIMIZING' } });
});

test('a change that is repeated changes nothing, however often and however many at once', async () => {
  const { taskId } = await createTaskRow(db);
  const first = change(taskId, 1, {
    executions: [execution()],
    decisions: [{ kind: 'pause', iteration: 0, facts: {}, actor: 'operator' }],
  });
  const answers = await Promise.all(Array.from({ length: 8 }, () => records.apply(first, NO_SIZES)));
  expect(answers.filter(Boolean)).toHaveLength(1);
  await records.apply(
    change(taskId, 2, { status: 'TRAINING', executions: [execution({ status: 'completed' })] }),
    NO_SIZES,
  );
  expect(await records.apply(first, NO_SIZES)).toBe(false);
  expect(await counts(taskId)).toEqual({ executions: 1, decisions: 1, events: 2 });
  expect(await db.mlTask.findUnique({ where: { taskId } })).toMatchObject({ status: 'TRAINING', seq: 2 });
  expect(await db.taskExecution.findFirst({ where: { taskId } })).toMatchObject({ status: 'completed' });
});

test('every pair of statuses is written exactly when the table allows it', async () => {
  for (const from of TASK_STATUSES) {
    for (const to of TASK_STATUSES) {
      const { taskId } = await createTaskRow(db, { status: from });
      const written = records.apply(change(taskId, 1, { status: to }), NO_SIZES);
      if (from === to || canTransition(from, to)) await expect(written).resolves.toBe(true);
      else await expect(written).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      const row = await db.mlTask.findUniqueOrThrow({ where: { taskId } });
      const expected = from === to || canTransition(from, to) ? to : from;
      expect(row.status).toBe(expected);
      if (expected === to) expect(row.completedAt !== null).toBe(isTerminal(to));
    }
  }
});

test('a task that was cancelled before its workflow began refuses that workflow', async () => {
  const { taskId } = await createTaskRow(db, { status: 'CANCELLED', seq: 1 });
  await expect(records.apply(change(taskId, 1), NO_SIZES)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
  expect(await counts(taskId)).toEqual({ executions: 0, decisions: 0, events: 0 });
});

test('a task without a row is named as missing', async () => {
  await expect(records.apply(change('task_gone', 1), NO_SIZES)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('progress is shown while a task lives: it begins with the wait for a slot, and is gone with the end', async () => {
  const { taskId } = await createTaskRow(db, { status: 'OPTIMIZING', seq: 0 });
  const progress = { stage: 'epoch 1', step: 1, totalSteps: 2, loss: 1, score: null, rate: null, etaSeconds: null };
  const shown = async () => (await db.mlTask.findUniqueOrThrow({ where: { taskId } })).progress;
  await records.apply(change(taskId, 1, { status: 'TRAINING' }), NO_SIZES);
  expect(await shown()).toMatchObject({ stage: 'queued for a worker slot', step: 0 });
  await records.writeProgress(taskId, ['TRAINING'], progress);
  expect(await shown()).toEqual(progress);
  // Another write of the same status leaves it.
  await records.apply(change(taskId, 2, { status: 'TRAINING' }), NO_SIZES);
  expect(await shown()).toEqual(progress);
  // A new segment begins where the old one did, not where it was lost.
  const segment = execution({ phase: 'training', segment: 1, status: 'running' });
  await records.apply(change(taskId, 3, { status: 'TRAINING', executions: [segment] }), NO_SIZES);
  expect(await shown()).toMatchObject({ stage: 'queued for a worker slot', loss: null });
  // A worker whose write was held up may still make it in the next phase, or after the end.
  await records.apply(change(taskId, 4, { status: 'EVALUATING' }), NO_SIZES);
  await records.writeProgress(taskId, ['TRAINING'], progress);
  expect(await shown()).toMatchObject({ stage: 'queued for a worker slot' });
  for (const [seq, status] of [[5, 'SUSPENDED'] as const, [6, 'CANCELLED'] as const]) {
    await records.apply(change(taskId, seq, { status }), NO_SIZES);
    expect(await shown()).toBeNull();
    await records.writeProgress(taskId, ['TRAINING'], progress);
    expect(await shown()).toBeNull();
  }
});

test('edited stop conditions are written to the columns the API reads', async () => {
  const { taskId } = await createTaskRow(db, { status: 'TRAINING' });
  const stopConditions = {
    maxIterations: 7,
    performanceThreshold: 0.9,
    rule: 'lower_bound' as const,
    plateau: { patience: 2, minimumGain: 0.01 },
    budget: null,
    deadline: null,
  };
  await records.apply(change(taskId, 1, { status: 'TRAINING', fields: { stopConditions } }), NO_SIZES);
  const task = await db.mlTask.findUniqueOrThrow({ where: { taskId } });
  expect((await records.spec(task)).stopConditions).toEqual(stopConditions);
});

test('why a task is suspended is shown as long as it is, and hyperparameters changed meanwhile stay', async () => {
  const { taskId } = await createTaskRow(db);
  const suspension = { by: 'user:1', reason: 'lunch', requestedAt: AT, since: AT, resumesTo: 'OPTIMIZING' as const };
  const write = async (seq: number, overrides: Partial<TaskChange>) => {
    await records.apply(change(taskId, seq, overrides), NO_SIZES);
    return db.mlTask.findUniqueOrThrow({ where: { taskId } });
  };
  await write(1, {});
  const suspended = await write(2, { status: 'SUSPENDED', fields: { suspension } });
  expect(suspended.suspension).toEqual(suspension);
  const hyperparameters = { checkpoint_interval_seconds: 45 };
  const edited = await write(3, { status: 'SUSPENDED', fields: { hyperparameters } });
  expect(edited).toMatchObject({ suspension, hyperparameters });
  const resumed = await write(4, { status: 'OPTIMIZING' });
  expect(resumed).toMatchObject({ suspension: null, hyperparameters });
});
