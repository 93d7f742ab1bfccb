import type { Db } from '../db';
import { createDb } from '../db';
import { TaskRecordRepository } from '../repositories/task-records';
import { createTaskRow, openTestDatabase } from '../testing/database-task';
import { openTestTemporal, type TestTemporal } from '../testing/temporal';
import { taskWorkflowId } from '../contracts/task-workflow';
import { lazyTemporalClient } from './connection';
import { startTask } from './start-task';
import { sweepStarts } from './start-sweeper';

let db: Db;
let records: TaskRecordRepository;
let temporal: TestTemporal;
beforeAll(async () => {
  db = openTestDatabase();
  records = new TaskRecordRepository(db);
  temporal = await openTestTemporal();
});
afterAll(async () => {
  await temporal?.close();
  await db.$disconnect();
});

const bound = (of: TaskRecordRepository) => ({
  spec: of.spec.bind(of),
  markWorkflowStarted: of.markWorkflowStarted.bind(of),
});
const quiet = { info: () => undefined, warn: () => undefined };
const LONG_AGO = new Date('2026-01-01T00:00:00Z');

test('a start whose reply was lost is found, not made twice; one that never arrived is made', async () => {
  const lost = await createTaskRow(db, { startRequestedAt: LONG_AGO });
  const never = await createTaskRow(db, { startRequestedAt: LONG_AGO });
  const unasked = await createTaskRow(db);
  await startTask(temporal.client, await records.spec(lost));
  const runOf = async (taskId: string) =>
    (await temporal.client.workflow.getHandle(taskWorkflowId(taskId)).describe()).runId;
  const before = await runOf(lost.taskId);

  // Several workers sweep at once.
  const sweeps = await Promise.all([1, 2, 3].map(() => sweepStarts(records, temporal.client, quiet)));
  expect(sweeps.flat()).toEqual(expect.arrayContaining([lost.taskId, never.taskId]));
  expect(sweeps.flat()).not.toContain(unasked.taskId);
  expect(await runOf(lost.taskId)).toBe(before);
  expect(await runOf(never.taskId)).toEqual(expect.any(String));
  await expect(runOf(unasked.taskId)).rejects.toThrow();
  for (const { taskId } of [lost, never]) {
    expect((await db.mlTask.findUniqueOrThrow({ where: { taskId } })).workflowStartedAt).not.toBeNull();
  }
  expect(
    (await sweepStarts(records, temporal.client, quiet)).filter((id) => [lost.taskId, never.taskId].includes(id)),
  ).toEqual([]);
});

test('with Temporal down nothing is marked started, and a start says that it can be repeated', async () => {
  const row = await createTaskRow(db, { startRequestedAt: LONG_AGO });
  const down = lazyTemporalClient({ address: '127.0.0.1:9', namespace: 'default' });
  const spec = await records.spec(row);
  await expect(startTask(down, spec)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });
  // Other suites leave starts in doubt in the same database: only this one is swept.
  const own = { ...bound(records), startsInDoubt: () => Promise.resolve([row]) };
  expect(await sweepStarts(own, down, quiet)).toEqual([]);
  await down.connection.close();
  expect((await db.mlTask.findUniqueOrThrow({ where: { taskId: row.taskId } })).workflowStartedAt).toBeNull();
});

test('with the database down a sweep fails as a whole and starts nothing', async () => {
  const gone = createDb('postgresql://nobody@127.0.0.1:9/none');
  await expect(sweepStarts(new TaskRecordRepository(gone), temporal.client, quiet)).rejects.toThrow();
  await gone.$disconnect();
});
