import { createActivities } from '../activities';
import { PythonJobClient } from '../activities/python-job-client';
import type { ServiceName, TrainRequest } from '../src/contracts/jobs';
import type { Db } from '../src/db';
import { TaskRecordRepository } from '../src/repositories/task-records';
import { startTask } from '../src/temporal/start-task';
import { createWorkers, runWorkers } from '../src/temporal/workers';
import { createTaskRow, openTestDatabase } from '../src/testing/database-task';
import { FakeJobService, TEST_SERVICE_SECRET } from '../src/testing/fake-job-service';
import { evaluateResult, optimizeResult, trainResult } from '../src/testing/job-results';
import { openTestTemporal, type TestTemporal } from '../src/testing/temporal';
import { until } from '../src/testing/until';
import type { EvaluateRequest, OptimizeRequest } from '../src/contracts/jobs';

let db: Db;
let temporal: TestTemporal;
const services: Record<ServiceName, FakeJobService> = {
  optimizer: new FakeJobService(),
  trainer: new FakeJobService(),
  evaluator: new FakeJobService(),
};
const files = new Map<string, string>();
let clients: Record<ServiceName, PythonJobClient>;

beforeAll(async () => {
  db = openTestDatabase();
  temporal = await openTestTemporal();
  const entries = await Promise.all(
    (Object.keys(services) as ServiceName[]).map(async (service) => {
      const baseUrl = `http://127.0.0.1:${await services[service].listen()}`;
      return [service, new PythonJobClient({ service, baseUrl, serviceSecret: TEST_SERVICE_SECRET })] as const;
    }),
  );
  clients = Object.fromEntries(entries) as Record<ServiceName, PythonJobClient>;
  services.optimizer.onSubmit = (job, request) => ({ ...job, result: optimizeResult(request as OptimizeRequest) });
  services.evaluator.onSubmit = (job, request) => ({ ...job, result: evaluateResult(request as EvaluateRequest, 0.8) });
});
afterAll(async () => {
  await Promise.all(Object.values(services).map((service) => service.close()));
  await temporal?.close();
  await db.$disconnect();
});

/** The worker's real activities on the real database; only the services are made up. */
async function startWorker(): Promise<() => Promise<void>> {
  const activities = createActivities({
    records: new TaskRecordRepository(db),
    jobClients: clients,
    files: {
      write: async (key, text) => void files.set(key, text),
      readJson: async () => null,
      sizeOf: async () => 77,
    },
    workflowClient: temporal.client.workflow,
    timing: { pollIntervalMs: 10, maxPollIntervalMs: 20, progressIntervalMs: 10 },
    endTiming: { pauseMs: 10 },
  });
  const workers = await createWorkers({
    connection: temporal.nativeConnection,
    namespace: temporal.namespace,
    workflows: { workflowBundle: { codePath: process.env.WLOPS_TEST_WORKFLOW_BUNDLE ?? '' } },
    activities,
    slots: { optimize: 5, train: 5, evaluate: 5 },
  });
  let stop: () => void = () => undefined;
  const running = runWorkers(workers, new Promise<void>((resolve) => (stop = resolve)));
  return () => {
    stop();
    return running;
  };
}

test('a worker that ends in the middle of training leaves the job alone; the next one takes it up and the task completes', async () => {
  const { trainer } = services;
  trainer.onSubmit = (job) => ({ ...job, state: 'running' });
  const alive = (job: Parameters<typeof trainer.onPoll>[0]) => ({ ...job, updatedAt: new Date().toISOString() });
  trainer.onPoll = (job) => ({
    ...alive(job),
    progress: {
      stage: 'epoch 1',
      step: trainer.polls,
      totalSteps: null,
      loss: 1,
      score: null,
      rate: null,
      etaSeconds: null,
    },
  });
  const row = await createTaskRow(db);
  const { taskId } = row;
  const records = new TaskRecordRepository(db);
  const endFirst = await startWorker();
  await startTask(temporal.client, await records.spec(row));
  const read = () => db.mlTask.findUniqueOrThrow({ where: { taskId } });
  await until(
    'progress to reach the row',
    async () => ((await read()).progress as { stage: string } | null)?.stage === 'epoch 1',
  );
  expect(await read()).toMatchObject({ status: 'TRAINING' });
  await endFirst();
  expect(trainer.cancelled).toEqual([]);
  expect(await read()).toMatchObject({ status: 'TRAINING' });

  const endSecond = await startWorker();
  const before = trainer.polls;
  await until('the job to be polled again', () => trainer.polls > before + 2);
  const [request] = trainer.submissions;
  trainer.onPoll = (job) => ({ ...alive(job), state: 'succeeded', result: trainResult(request as TrainRequest) });
  await until('the task to complete', async () => (await read()).status === 'COMPLETED');
  expect(new Set(trainer.submissions.map((one) => one.jobKey))).toEqual(new Set([`${taskId}/0/training/0`]));
  expect(trainer.jobs.size).toBe(1);

  const executions = await db.taskExecution.findMany({ where: { taskId }, orderBy: { id: 'asc' } });
  expect(executions.map(({ phase, segment, status }) => ({ phase, segment, status }))).toEqual([
    { phase: 'optimization', segment: 0, status: 'completed' },
    { phase: 'training', segment: 0, status: 'completed' },
    { phase: 'evaluation', segment: 0, status: 'completed' },
  ]);
  expect(await read()).toMatchObject({
    latestScore: 0.8,
    championIteration: 0,
    progress: null,
    taskType: 'classification',
  });
  await until('the report', () => files.has(`evaluations/${taskId}/report.json`));
  const report = JSON.parse(files.get(`evaluations/${taskId}/report.json`) ?? '{}');
  expect(report).toMatchObject({ task: { taskId, status: 'COMPLETED' }, iterations: [{ score: 0.8, champion: true }] });
  expect(files.get(`evaluations/${taskId}/report.html`)).toContain('COMPLETED');
  await endSecond();
});

test('a service that is down: the task waits, says for what, and goes on when it is back', async () => {
  const { evaluator, trainer } = services;
  trainer.onSubmit = (job, request) => ({ ...job, result: trainResult(request as TrainRequest) });
  const baseUrl = new URL((clients.evaluator as unknown as { jobsUrl: string }).jobsUrl);
  await evaluator.close();
  const row = await createTaskRow(db);
  const endWorker = await startWorker();
  await startTask(temporal.client, await new TaskRecordRepository(db).spec(row));
  const read = () => db.mlTask.findUniqueOrThrow({ where: { taskId: row.taskId } });
  await until('the task to say what it waits for', async () => {
    const { progress, status } = await read();
    const stage = (progress as { stage?: string } | null)?.stage;
    return stage === 'waiting for the evaluator: connection refused' && status === 'EVALUATING';
  });
  await evaluator.listen(Number(baseUrl.port));
  await until('the task to complete', async () => (await read()).status === 'COMPLETED');
  await endWorker();
});
