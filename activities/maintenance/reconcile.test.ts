/** Rows, jobs and workflows that contradict each other, over a real Temporal and a real database. */
import { Context } from '@temporalio/activity';
import type { Db } from '../../src/db';
import { createDb } from '../../src/db';
import { jobId } from '../../src/contracts/job-id';
import { SCHEDULE_IDS } from '../../src/contracts/maintenance';
import type { ServiceName } from '../../src/contracts/jobs';
import { TASK_QUEUES, taskWorkflowId } from '../../src/contracts/task-workflow';
import type { MlTask } from '../../src/generated/prisma/client';
import { ReconciliationRepository } from '../../src/repositories/reconciliation';
import { TaskRecordRepository } from '../../src/repositories/task-records';
import { lazyTemporalClient } from '../../src/temporal/connection';
import { ensureSchedules } from '../../src/temporal/schedules';
import { activityEnvironment } from '../../src/testing/activity-environment';
import { createTaskRow } from '../../src/testing/database-task';
import { FakeJobService, TEST_SERVICE_SECRET } from '../../src/testing/fake-job-service';
import { gate } from '../../src/testing/gate';
import { startMaintenanceWorkers } from '../../src/testing/maintenance-worker';
import { createOwnDatabase, type OwnDatabase } from '../../src/testing/own-database';
import { openTestTemporal, type TestTemporal } from '../../src/testing/temporal';
import { until } from '../../src/testing/until';
import { PythonJobClient } from '../python-job-client';
import { DEFAULT_END_TIMING } from '../end-job';
import { stopJob } from '../stop-job';
import type { GarbageCollector } from './collect-garbage';
import { reviewWorkflows } from './review-workflows';
import { createMaintenanceActivities, type MaintenanceActivities, type MaintenanceDependencies } from '.';

let database: OwnDatabase;
let db: Db;
let temporal: TestTemporal;
let endWorkers: () => Promise<void>;
let activities: MaintenanceActivities;
const services = { optimizer: new FakeJobService(), trainer: new FakeJobService(), evaluator: new FakeJobService() };
const reports: string[] = [];
/** What a workflow of these tests does: waits, or ends at once. Sweeps stand in for tasks, whose own workflows write their rows. */
const held = gate();
type Ending = 'waits' | 'completes' | 'fails';
const endings = new Map<string, Ending>();

function dependencies(clients: Record<ServiceName, PythonJobClient>): MaintenanceDependencies {
  return {
    reads: new ReconciliationRepository(db),
    records: new TaskRecordRepository(db),
    workflowClient: temporal.client.workflow,
    namespace: temporal.namespace,
    services: Object.values(clients),
    quietSeconds: 60,
    retention: {} as GarbageCollector, // Has tests of its own.
    sweepStarts: async () => [],
    tasks: {
      stopJob: (address) => stopJob(clients, { ...DEFAULT_END_TIMING, pauseMs: 10 }, address),
      writeReport: async ({ taskId }) => void reports.push(taskId),
    },
  };
}

const clientFor = async (service: ServiceName): Promise<PythonJobClient> => {
  const baseUrl = `http://127.0.0.1:${await services[service].listen()}`;
  return new PythonJobClient({ service, baseUrl, serviceSecret: TEST_SERVICE_SECRET });
};

beforeAll(async () => {
  [database, temporal] = await Promise.all([createOwnDatabase(), openTestTemporal()]);
  db = createDb(database.url);
  const [optimizer, trainer, evaluator] = await Promise.all(
    (['optimizer', 'trainer', 'evaluator'] as const).map(clientFor),
  );
  activities = createMaintenanceActivities(dependencies({ optimizer, trainer, evaluator } as never));
  endWorkers = await startMaintenanceWorkers(temporal, {
    ...activities,
    sweepStartsInDoubt: async () => {
      const ending = endings.get(Context.current().info.workflowExecution?.workflowId ?? '');
      if (ending === 'fails') throw new Error('the code has a fault');
      if (ending === 'waits') await held.opened;
      return { started: 0 };
    },
  });
});
afterAll(async () => {
  held.open();
  await endWorkers?.();
  await Promise.all(Object.values(services).map((service) => service.close()));
  await temporal?.close();
  await db?.$disconnect();
  await database?.drop();
});

const run = <Result>(activity: () => Promise<Result>) =>
  activityEnvironment().run<[], Result, () => Promise<Result>>(activity);
const LONG_AGO = new Date('2026-01-01T00:00:00Z');

async function task(overrides: Partial<MlTask> = {}): Promise<string> {
  const row = await createTaskRow(db, { status: 'TRAINING', workflowStartedAt: LONG_AGO, seq: 7, ...overrides });
  await db.mlTask.update({ where: { id: row.id }, data: { updatedAt: overrides.updatedAt ?? LONG_AGO } });
  return row.taskId;
}

async function workflowOf(taskId: string, does: Ending = 'waits', options: object = {}) {
  endings.set(taskWorkflowId(taskId), does);
  const handle = await temporal.client.workflow.start('sweepStarts', {
    workflowId: taskWorkflowId(taskId),
    taskQueue: TASK_QUEUES.main,
    ...options,
  });
  if (does !== 'waits') await handle.result().catch(() => undefined);
  return handle;
}

const rowOf = (taskId: string) =>
  db.mlTask.findUniqueOrThrow({
    where: { taskId },
    include: { executions: { orderBy: { id: 'asc' } }, decisions: true, events: true },
  });

test('a task whose workflow was terminated ends as FAILED, with what happened in row, ledger, event, executions and report', async () => {
  const taskId = await task();
  const execution = { taskId, phase: 'training' as const, startedAt: LONG_AGO };
  await db.taskExecution.createMany({
    data: [
      { ...execution, iteration: 0, status: 'running' },
      { ...execution, iteration: 0, phase: 'optimization', status: 'completed', completedAt: LONG_AGO },
    ],
  });
  await (await workflowOf(taskId)).terminate('by a mistaken operator');
  const { ended } = await run(activities.reconcileRows);
  expect(ended).toContainEqual({ taskId, code: 'WORKFLOW_TERMINATED' });

  const row = await rowOf(taskId);
  expect(row).toMatchObject({
    status: 'FAILED',
    seq: 8,
    controlState: 'none',
    failure: {
      code: 'WORKFLOW_TERMINATED',
      phase: 'training',
      retryable: false,
      message: expect.stringContaining('by a mistaken operator'),
    },
  });
  expect(row.completedAt).not.toBeNull();
  expect(row.executions.map(({ phase, status, failure }) => [phase, status, failure !== null])).toEqual([
    ['training', 'failed', true],
    ['optimization', 'completed', false],
  ]);
  expect(row.decisions).toMatchObject([
    { seq: 8, kind: 'reconcile', actor: 'maintenance', facts: { workflow: 'TERMINATED', status: 'TRAINING' } },
  ]);
  expect(row.events).toMatchObject([{ seq: 8, type: 'task.status', payload: { status: 'FAILED', from: 'TRAINING' } }]);
  expect(reports).toContain(taskId);
  expect((await run(activities.reconcileRows)).ended).toEqual([]);
});

test('every other end of a workflow has its own: cancelled, failed, timed out, completed, unknown', async () => {
  const [cancelled, failed, timedOut, completed, lost, unmarked] = [
    await task({ status: 'SUSPENDED' }),
    await task({ status: 'EVALUATING' }),
    await task({ status: 'LOOPING' }),
    await task({ status: 'OPTIMIZING' }),
    await task({ status: 'TRAINING' }),
    // The API died before it could note the start, and the workflow went on.
    await task({ status: 'TRAINING', workflowStartedAt: null }),
  ];
  await db.taskExecution.create({
    data: { taskId: cancelled, iteration: 0, phase: 'training', status: 'running', startedAt: LONG_AGO },
  });
  const toCancel = await workflowOf(cancelled);
  await toCancel.cancel();
  await toCancel.result().catch(() => undefined);
  await workflowOf(failed, 'fails', { workflowTaskTimeout: '10s' });
  const slow = await workflowOf(timedOut, 'waits', { workflowExecutionTimeout: '1s' });
  await slow.result().catch(() => undefined);
  await workflowOf(completed, 'completes');

  const { ended, unchecked } = await run(activities.reconcileRows);
  expect(unchecked).toBe(0);
  const codes = Object.fromEntries(ended.map(({ taskId, code }) => [taskId, code]));
  expect(codes).toEqual({
    [cancelled]: 'CANCELLED',
    [failed]: 'WORKFLOW_FAILED',
    [timedOut]: 'WORKFLOW_TIMED_OUT',
    [completed]: 'WORKFLOW_UNRECORDED',
    [lost]: 'WORKFLOW_LOST',
    [unmarked]: 'WORKFLOW_LOST',
  });
  expect(await rowOf(cancelled)).toMatchObject({
    status: 'CANCELLED',
    failure: null,
    executions: [{ status: 'cancelled' }],
  });
  expect(JSON.stringify((await rowOf(failed)).failure)).toContain('the code has a fault');
});

test('a task whose workflow runs, one written just now, one nobody started and one that has ended are left alone', async () => {
  const runs = await task();
  await workflowOf(runs);
  const left = [
    runs,
    await task({ updatedAt: new Date() }),
    await task({ status: 'PENDING', workflowStartedAt: null }),
    await task({ status: 'COMPLETED' }),
  ];
  const before = await Promise.all(left.map(rowOf));
  await run(activities.reconcileRows);
  expect(await Promise.all(left.map(rowOf))).toEqual(before);
});

test('a row that moves while it is looked at keeps what its workflow wrote', async () => {
  const moved = await task();
  const ended = await task();
  const reads = new ReconciliationRepository(db);
  const racing = Object.assign(Object.create(reads) as ReconciliationRepository, {
    standingTask: async (taskId: string) => {
      const standing = await reads.standingTask(taskId);
      const status = taskId === moved ? 'EVALUATING' : 'COMPLETED';
      await db.mlTask.update({ where: { taskId }, data: { seq: 8, status } });
      return standing;
    },
  });
  const clients = {} as Record<ServiceName, PythonJobClient>;
  const report = await run(createMaintenanceActivities({ ...dependencies(clients), reads: racing }).reconcileRows);
  expect(report).toMatchObject({ endedInAll: 0, unchecked: 0 });
  expect(await rowOf(moved)).toMatchObject({ status: 'EVALUATING', failure: null, decisions: [] });
  expect(await rowOf(ended)).toMatchObject({ status: 'COMPLETED', failure: null, decisions: [] });
  await db.mlTask.updateMany({ where: { taskId: moved }, data: { status: 'CANCELLED' } });
});

test('with Temporal down no row is judged', async () => {
  const taskId = await task();
  const deps = dependencies({} as Record<ServiceName, PythonJobClient>);
  const down = lazyTemporalClient({ address: '127.0.0.1:9', namespace: 'default' });
  const report = await run(createMaintenanceActivities({ ...deps, workflowClient: down.workflow }).reconcileRows);
  await down.connection.close();
  expect(report).toMatchObject({ endedInAll: 0 });
  expect(report.unchecked).toBeGreaterThan(0);
  expect(await rowOf(taskId)).toMatchObject({ status: 'TRAINING', seq: 7 });
  await db.mlTask.updateMany({ where: { taskId }, data: { status: 'CANCELLED' } });
});

test('a server that knows no more of the tasks than it does not is another one, and none is ended', async () => {
  // Whatever earlier tests have left is over.
  await db.mlTask.updateMany({ where: { status: { not: 'FAILED' } }, data: { status: 'CANCELLED' } });
  const tasks = await Promise.all([task(), task(), task()]);
  const report = await run(activities.reconcileRows);
  expect(report).toMatchObject({ endedInAll: 0, unchecked: 3 });
  for (const taskId of tasks) expect(await rowOf(taskId)).toMatchObject({ status: 'TRAINING', seq: 7 });
  // As many that it knows were started on it since; one more, and the others are lost.
  const known = await Promise.all([task(), task(), task()]);
  const handles = await Promise.all(known.map((one) => workflowOf(one)));
  expect(await run(activities.reconcileRows)).toMatchObject({ endedInAll: 0, unchecked: 3 });
  known.push(await task());
  handles.push(await workflowOf(known.at(-1) ?? ''));
  expect(await run(activities.reconcileRows)).toMatchObject({ endedInAll: 3, unchecked: 0 });
  for (const taskId of tasks) expect(await rowOf(taskId)).toMatchObject({ failure: { code: 'WORKFLOW_LOST' } });
  // Those at work count as well, though their rows are left alone.
  await db.mlTask.updateMany({ where: { taskId: { in: known } }, data: { updatedAt: new Date() } });
  await Promise.all([task(), task(), task()]);
  expect(await run(activities.reconcileRows)).toMatchObject({ checked: 3, endedInAll: 3, unchecked: 0 });
  for (const handle of handles) await handle.terminate();
  await db.mlTask.updateMany({ where: { taskId: { in: known } }, data: { status: 'CANCELLED' } });
});

/** Puts a live job into a service. */
function job(service: ServiceName, taskId: string, createdAt = LONG_AGO): string {
  const jobKey = `${taskId}/0/training/0`;
  const now = new Date().toISOString();
  services[service].jobs.set(jobId(jobKey), {
    ...{ jobId: jobId(jobKey), jobKey, taskId, iteration: 0, phase: 'training', segment: 0, attempt: 1 },
    ...{ state: 'running', progress: null, result: null, error: null, finishedAt: null },
    ...{ createdAt: createdAt.toISOString(), startedAt: now, updatedAt: now },
  });
  return jobKey;
}

const stateOf = (service: ServiceName, jobKey: string) => services[service].jobs.get(jobId(jobKey))?.state;

test('jobs that nobody waits for are stopped, others are not, and a service that is down keeps none waiting', async () => {
  const [running, terminated, ahead] = [await task(), await task(), await task()];
  await workflowOf(running);
  await workflowOf(ahead);
  await db.taskExecution.create({
    data: { taskId: ahead, iteration: 0, phase: 'training', segment: 1, status: 'running', startedAt: LONG_AGO },
  });
  await (await workflowOf(terminated)).terminate();
  const justNow = new Date();
  const kept = [
    ['trainer', job('trainer', running)],
    ['trainer', job('trainer', 'task_unknown', justNow)],
    ['optimizer', job('optimizer', await task({ status: 'SUSPENDED', updatedAt: justNow }))],
  ] as const;
  // Its workflow would stop the job itself.
  await workflowOf(kept[2][1].split('/')[0] ?? '');
  const orphans = [
    ['optimizer', job('optimizer', 'task_nobody'), 'no task has this id'],
    ['trainer', job('trainer', ahead), 'segment 1 has taken its place'],
    ['trainer', job('trainer', terminated), 'the workflow of its task has ended: TERMINATED'],
    ['trainer', job('trainer', await task({ status: 'SUSPENDED' })), 'its task is SUSPENDED'],
    ['trainer', job('trainer', await task({ status: 'CANCELLED', completedAt: LONG_AGO })), 'its task is CANCELLED'],
  ] as const;
  services.evaluator.intercept = (_, response) => (response.destroy(), true);

  const report = await run(activities.stopOrphanJobs);
  expect(report).toMatchObject({ live: 8, stoppedInAll: 5, unstopped: 0, unreachable: ['evaluator'] });
  expect(report.stopped).toEqual(
    expect.arrayContaining(orphans.map(([service, jobKey, reason]) => ({ service, jobKey, reason }))),
  );
  for (const [service, jobKey] of orphans) expect([jobKey, stateOf(service, jobKey)]).toEqual([jobKey, 'cancelled']);
  for (const [service, jobKey] of kept) expect([jobKey, stateOf(service, jobKey)]).toEqual([jobKey, 'running']);
});

test('workflows without a row are left, those far behind their row’s end are cancelled, closed runs of schedules go', async () => {
  const search = (taskId: string) => ({
    typedSearchAttributes: [{ key: { name: 'WlopsTaskId', type: 'KEYWORD' }, value: taskId }],
  });
  const without = 'task_of_others';
  const overdue = await task({ status: 'FAILED', completedAt: LONG_AGO });
  const fresh = await task({ status: 'FAILED', completedAt: new Date() });
  const [foreign, late, early] = [
    await workflowOf(without, 'waits', search(without)),
    await workflowOf(overdue, 'waits', search(overdue)),
    await workflowOf(fresh, 'waits', search(fresh)),
  ];
  await temporal.client.schedule.create({
    scheduleId: SCHEDULE_IDS.sweepStarts,
    spec: {},
    action: { type: 'startWorkflow', workflowType: 'sweepStarts', taskQueue: TASK_QUEUES.main },
  });
  const schedule = temporal.client.schedule.getHandle(SCHEDULE_IDS.sweepStarts);
  await schedule.trigger();
  await until('a closed run of the schedule', async () => {
    const query = `TemporalScheduledById = "${SCHEDULE_IDS.sweepStarts}" AND ExecutionStatus = "Completed"`;
    return (await temporal.client.workflow.count(query)).count > 0;
  });
  await until('visibility to know the three', async () => {
    const { count } = await temporal.client.workflow.count('ExecutionStatus = "Running" AND WlopsTaskId IS NOT NULL');
    return count >= 3;
  });

  expect((await run(activities.reviewWorkflows)).removed).toBe(0);
  await late.result().catch(() => undefined);
  const names = await Promise.all([foreign, late, early].map(async (one) => (await one.describe()).status.name));
  expect(names).toEqual(['RUNNING', 'CANCELLED', 'RUNNING']);

  const later = () => new Date(Date.now() + 2 * 3_600_000);
  const reviewer = {
    ...dependencies({} as Record<ServiceName, PythonJobClient>),
    reads: new ReconciliationRepository(db),
  };
  // The server takes half a minute to carry it out.
  expect((await run(() => reviewWorkflows(reviewer, later))).removed).toBeGreaterThan(0);
  await schedule.delete();
});

test('the schedule does all of it by itself, and its runs stay small', async () => {
  const taskId = await task();
  const orphan = job('optimizer', taskId);
  await (await workflowOf(taskId)).terminate();
  const settings = { sweepStartsSeconds: 86_400, reconcileSeconds: 1, retentionSeconds: null };
  services.evaluator.intercept = null;
  await ensureSchedules(temporal.client, settings, { info: () => undefined });
  await until('the task to be ended', async () => (await rowOf(taskId)).status === 'FAILED');
  await until('its job to be stopped', () => stateOf('optimizer', orphan) === 'cancelled');
  const handle = temporal.client.schedule.getHandle(SCHEDULE_IDS.reconcile);
  const { info } = await until('a run to be told of', async () => {
    const described = await handle.describe();
    return described.info.recentActions.length > 0 && described;
  });
  await handle.delete();
  const { workflowId = '', firstExecutionRunId } = info.recentActions[0]?.action.workflow ?? {};
  const pass = temporal.client.workflow.getHandle(workflowId, firstExecutionRunId);
  expect(await pass.result()).toMatchObject({ rows: { unchecked: 0 }, jobs: { unreachable: [] } });
  expect((await pass.fetchHistory()).events?.length).toBeLessThanOrEqual(30);
});
