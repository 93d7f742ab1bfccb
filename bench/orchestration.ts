/**
 * How much of a task is orchestration: a STANDARD task whose services do nothing, from its start to COMPLETED with every record and
 * the report written, against a bare workflow of three activities that do nothing on the same server. Both run in turn, so that
 * whatever else the machine does meets both.
 *
 * Needs `TEMPORAL_ADDRESS` and `DATABASE_URL` (migrated). Works in a namespace of its own; its rows are removed at the end.
 */
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { PythonJobClient } from '../activities/python-job-client';
import type { ServiceName } from '../src/contracts/jobs';
import { taskWorkflowId } from '../src/contracts/task-workflow';
import { createDb, type Db } from '../src/db';
import { TaskRecordRepository } from '../src/repositories/task-records';
import { registerSearchAttributes } from '../src/temporal/search-attributes';
import { startTask } from '../src/temporal/start-task';
import { createWorkers, runWorkers } from '../src/temporal/workers';
import { bare, BARE_QUEUE } from './bare-workflow';
import { spread, type Spread } from './figures';
import { startNoOpServices } from './no-op-services';

const WARM_UP_ROUNDS = 3;

export interface OrchestrationOptions {
  temporalAddress: string;
  databaseUrl: string;
  rounds?: number;
}

export interface OrchestrationResult {
  rounds: number;
  taskMs: Spread;
  bareMs: Spread;
  /** Task over bare workflow, round by round. */
  ratio: Spread;
  raw: { taskMs: number[]; bareMs: number[] };
}

/** Measures and answers with milliseconds and ratios. Throws when a task does not complete. */
export async function measureOrchestration(options: OrchestrationOptions): Promise<OrchestrationResult> {
  const rounds = options.rounds ?? 25;
  const db = createDb(options.databaseUrl);
  const services = await startNoOpServices();
  const connection = await Connection.connect({ address: options.temporalAddress });
  const native = await NativeConnection.connect({ address: options.temporalAddress });
  const client = new Client({ connection, namespace: await makeNamespace(connection) });
  const owner = await createOwner(db);
  let stop: () => void = () => undefined;
  try {
    const records = new TaskRecordRepository(db);
    const workers = await allWorkers(native, client, records, services.url);
    const running = runWorkers(workers, new Promise<void>((resolve) => (stop = resolve)));
    const taskMs: number[] = [];
    const bareMs: number[] = [];
    for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
      const task = await timeTask(db, records, client, owner);
      const alone = await timeBare(client);
      if (round < 0) continue;
      taskMs.push(task);
      bareMs.push(alone);
    }
    stop();
    await running;
    const ratios = taskMs.map((value, index) => value / (bareMs[index] ?? NaN));
    return { rounds, taskMs: spread(taskMs), bareMs: spread(bareMs), ratio: spread(ratios), raw: { taskMs, bareMs } };
  } finally {
    stop();
    await removeOwner(db, owner);
    await services.close();
    await native.close();
    await connection.close();
    await db.$disconnect();
  }
}

interface Owner {
  userId: number;
  datasetId: string;
}

async function createOwner(db: Db): Promise<Owner> {
  const id = randomBytes(6).toString('hex');
  const user = await db.user.create({ data: { email: `bench-${id}@example.org`, passwordHash: 'none' } });
  const datasetId = `dataset_${id}`;
  const sha256 = '0'.repeat(64);
  const storagePath = `datasets/${user.id}/${datasetId}/raw`;
  const file = { name: 'bench', datasetType: 'training', storagePath, fileSize: 0n, sha256 } as const;
  await db.dataset.create({ data: { ...file, datasetId, userId: user.id } });
  return { userId: user.id, datasetId };
}

async function removeOwner(db: Db, { userId }: Owner): Promise<void> {
  await db.mlTask.deleteMany({ where: { userId } });
  await db.dataset.deleteMany({ where: { userId } });
  await db.user.delete({ where: { id: userId } });
}

async function makeNamespace(connection: Connection): Promise<string> {
  const namespace = `bench-${randomBytes(6).toString('hex')}`;
  const day = { seconds: 86_400 as unknown as never };
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: day });
  // The server learns of a namespace and its attributes from time to time.
  for (let known = false; !known;) {
    known = await registerSearchAttributes(connection, namespace).then(
      (added) => added.length === 0,
      () => false,
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return namespace;
}

async function allWorkers(
  connection: NativeConnection,
  client: Client,
  records: TaskRecordRepository,
  url: string,
): Promise<Worker[]> {
  const namespace = client.options.namespace;
  const job = (service: ServiceName) => new PythonJobClient({ service, baseUrl: url, serviceSecret: 'b'.repeat(32) });
  const activities = createActivities({
    records,
    jobClients: { optimizer: job('optimizer'), trainer: job('trainer'), evaluator: job('evaluator') },
    files: { write: () => Promise.resolve(), readJson: () => Promise.resolve(null), sizeOf: () => Promise.resolve(0) },
    workflowClient: client.workflow,
  });
  const workflows = { workflowsPath: require.resolve('../workflows') };
  const slots = { optimize: 2, train: 2, evaluate: 2 };
  const own = await createWorkers({ connection, namespace, workflows, activities, slots });
  const alone = await Worker.create({
    connection,
    namespace,
    taskQueue: BARE_QUEUE,
    workflowsPath: require.resolve('./bare-workflow'),
    activities: { nothing: () => Promise.resolve() },
  });
  return [...own, alone];
}

async function timeTask(db: Db, records: TaskRecordRepository, client: Client, owner: Owner): Promise<number> {
  const taskId = `task_${randomBytes(8).toString('hex')}`;
  const row = await db.mlTask.create({
    data: { ...owner, taskId, taskName: 'bench', taskMode: 'STANDARD', modelName: 'none', maxIterations: 1, seed: 1 },
  });
  const spec = await records.spec(row);
  const startedAt = performance.now();
  await startTask(client, spec);
  await client.workflow.getHandle(taskWorkflowId(taskId)).result();
  const elapsed = performance.now() - startedAt;
  const { status } = await db.mlTask.findUniqueOrThrow({ where: { taskId } });
  if (status !== 'COMPLETED') throw new Error(`task ${taskId} ended ${status}`);
  return elapsed;
}

async function timeBare(client: Client): Promise<number> {
  const startedAt = performance.now();
  await client.workflow.execute(bare, { taskQueue: BARE_QUEUE, workflowId: `bare-${randomBytes(8).toString('hex')}` });
  return performance.now() - startedAt;
}
