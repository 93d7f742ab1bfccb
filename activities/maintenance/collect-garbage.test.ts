/** Garbage and what is not, over a real object store, a real database, and the workflow on a real Temporal. */
import { Readable } from 'node:stream';
import { utimes } from 'node:fs/promises';
import path from 'node:path';
import { CancelledFailure } from '@temporalio/common';
import { CreateMultipartUploadCommand, type S3Client } from '@aws-sdk/client-s3';
import { createDb, type Db } from '../../src/db';
import type { RetentionReport } from '../../src/contracts/maintenance';
import { TASK_QUEUES } from '../../src/contracts/task-workflow';
import type { MlTask, Prisma } from '../../src/generated/prisma/client';
import { optimizedDatasetId } from '../../src/domain/storage-keys';
import { RetentionRepository } from '../../src/repositories/retention';
import { S3ObjectStore } from '../../src/storage/s3-object-store';
import { activityEnvironment } from '../../src/testing/activity-environment';
import { createTaskRow } from '../../src/testing/database-task';
import { startMaintenanceWorkers } from '../../src/testing/maintenance-worker';
import { createOwnDatabase, type OwnDatabase } from '../../src/testing/own-database';
import { startTestS3, type TestS3 } from '../../src/testing/s3';
import { openTestTemporal } from '../../src/testing/temporal';
import { collectGarbage, type GarbageCollector } from './collect-garbage';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LONG_AGO = new Date(Date.now() - 30 * DAY);

let database: OwnDatabase;
let db: Db;
let s3: TestS3;
let store: S3ObjectStore;
let deps: GarbageCollector;
beforeAll(async () => {
  [database, s3] = await Promise.all([createOwnDatabase(), startTestS3()]);
  db = createDb(database.url);
  store = new S3ObjectStore(s3.options);
  await store.ensureBucket();
  deps = { rows: new RetentionRepository(db), store, graceMs: DAY, retentionMs: 7 * DAY };
});
afterAll(async () => {
  store?.close();
  await s3?.stop();
  await db?.$disconnect();
  await database?.drop();
});
afterEach(async () => {
  for await (const page of store.list('')) await store.removeAll(page.map(({ key }) => key));
});

/** Writes objects of ten bytes, as old as they shall be. */
async function put(keys: readonly string[], modifiedAt = LONG_AGO): Promise<void> {
  for (const key of keys) {
    await store.upload(key, Readable.from([Buffer.alloc(10)]), 'application/octet-stream').done;
    await utimes(path.join(s3.folder, s3.options.bucket, key), modifiedAt, modifiedAt);
  }
}

async function keys(): Promise<string[]> {
  const all: string[] = [];
  for await (const page of store.list('')) all.push(...page.map(({ key }) => key));
  return all.sort();
}

const pass = (dryRun: boolean, over: Partial<GarbageCollector> = {}, now?: () => Date): Promise<RetentionReport> =>
  activityEnvironment().run(collectGarbage, { ...deps, ...over }, { dryRun }, now);

const ref = (key: string) => ({ key, sha256: 'a'.repeat(64) });

/** A CONTINUOUS task of three iterations, of which the second has the champion; its rows as workflows write them, and its objects. */
async function endedTask(overrides: Partial<MlTask> = {}) {
  const row = await createTaskRow(db, {
    ...{ taskMode: 'CONTINUOUS', status: 'COMPLETED', completedAt: LONG_AGO, championIteration: 1 },
    ...overrides,
  });
  const { taskId } = row;
  const dataset = (iteration: number) => optimizedDatasetId(taskId, iteration, 0);
  const rows = (iteration: number) => `optimized/${dataset(iteration)}/attempt-1/`;
  const model = (iteration: number) => `models/${taskId}/${iteration}/s0/`;
  const evaluation = (iteration: number) => `evaluations/${taskId}/${iteration}/s0/`;
  const kept: string[] = [`evaluations/${taskId}/report.json`, `evaluations/${taskId}/sealed/attempt-1/select.parquet`];
  const garbage: string[] = [
    `models/${taskId}/2/s1/attempt-1/metrics.jsonl`,
    `${model(0)}attempt-1/checkpoint-10/manifest.json`,
  ];
  for (const iteration of [0, 1, 2]) {
    const details = (value: object) => value as Prisma.InputJsonObject;
    const execution = { taskId, iteration, status: 'completed' as const, startedAt: LONG_AGO, completedAt: LONG_AGO };
    const train = `${rows(iteration)}train.parquet`;
    await db.taskExecution.createMany({
      data: [
        {
          ...{ ...execution, phase: 'optimization', outputDatasetId: dataset(iteration) },
          details: details({
            train: { ...ref(train), rows: 3 },
            split: ref(`${rows(0)}split.json`),
            select: ref(`evaluations/${taskId}/sealed/attempt-1/select.parquet`),
          }),
        },
        {
          ...{ ...execution, phase: 'training', modelPath: `${model(iteration)}attempt-1/` },
          details: details({
            model: ref(`${model(iteration)}manifest.json`),
            modelPath: `${model(iteration)}attempt-1/`,
          }),
        },
        {
          ...{ ...execution, phase: 'evaluation', evaluationPath: `${evaluation(iteration)}attempt-1/report.json` },
          details: details({ report: ref(`${evaluation(iteration)}attempt-1/report.json`) }),
        },
      ],
    });
    await db.dataset.create({
      data: {
        ...{
          datasetId: dataset(iteration),
          name: 'rows',
          datasetType: 'optimized',
          isOptimized: true,
          taskId,
          iteration,
        },
        ...{
          storagePath: train,
          fileSize: 10n,
          sha256: 'a'.repeat(64),
          userId: row.userId,
          sourceDatasetId: row.datasetId,
        },
      },
    });
    kept.push(`${model(iteration)}manifest.json`, `${model(iteration)}attempt-1/weights.safetensors`);
    kept.push(`${evaluation(iteration)}attempt-1/report.json`, `${rows(iteration)}log.json`);
    (iteration === 0 ? garbage : kept).push(train, `${rows(iteration)}quarantine.jsonl`);
  }
  kept.push(`${rows(0)}split.json`);
  await db.mlTask.update({ where: { taskId }, data: { currentDatasetId: dataset(2) } });
  await put([...kept, ...garbage]);
  return { ...row, kept, garbage, dataset };
}

const collectedAt = async (datasetId: string) =>
  (await db.dataset.findUniqueOrThrow({ where: { datasetId } })).collectedAt;

test('a dry run tells what would go and why, and removes nothing; the pass then removes just that, and marks the data set', async () => {
  const { kept, garbage, dataset } = await endedTask();
  const before = await keys();
  const told = await pass(true);
  expect(await keys()).toEqual(before);
  expect(await collectedAt(dataset(0))).toBeNull();
  expect(told).toMatchObject({
    dryRun: true,
    listed: { objects: before.length, bytes: 10 * before.length },
    garbage: {
      'iteration-rows': { objects: 2, bytes: 20 },
      checkpoint: { objects: 1, bytes: 10, examples: [garbage[1]] },
      unfinished: { objects: 1, bytes: 10, examples: [garbage[0]] },
    },
    failed: 0,
    datasetsCollected: 0,
  });

  const done = await pass(false);
  expect(done).toMatchObject({ dryRun: false, garbage: told.garbage, datasetsCollected: 1 });
  expect(await keys()).toEqual([...kept].sort());
  expect(await collectedAt(dataset(0))).not.toBeNull();
  for (const iteration of [1, 2]) expect(await collectedAt(dataset(iteration))).toBeNull();
  expect((await pass(false)).garbage).toEqual({});
});

test('of a task that has not ended nothing goes, and of one that ended lately what people may still look at stays', async () => {
  const live = await endedTask({ status: 'SUSPENDED', completedAt: null });
  const late = await endedTask({ completedAt: new Date(Date.now() - 2 * DAY) });
  const checkpoint = late.garbage.find((key) => key.includes('checkpoint'));
  const before = await keys();
  await pass(false);
  expect(await keys()).toEqual(before.filter((key) => key !== checkpoint));
  expect(before).toEqual(expect.arrayContaining(live.garbage));
});

test('what no row knows goes once it is old, uploads once they are deleted and unused; what is young or not ours stays', async () => {
  const used = await createTaskRow(db, { status: 'TRAINING' });
  const unused = await createTaskRow(db, { status: 'FAILED', completedAt: LONG_AGO });
  const present = await createTaskRow(db, { status: 'FAILED', completedAt: LONG_AGO });
  const raw = ({ userId, datasetId }: MlTask) => `datasets/${userId}/${datasetId}/raw`;
  await db.dataset.updateMany({
    where: { datasetId: { in: [used.datasetId, unused.datasetId] } },
    data: { deletedAt: LONG_AGO },
  });
  const kept = [raw(used), raw(present), 'models/readme', 'datasets/shared/notes', 'theirs/file'];
  const young = ['models/task_gone/0/s0/attempt-1/weights.safetensors', 'datasets/1/dataset_young/raw'];
  await put([
    ...kept,
    raw(unused),
    'models/task_gone/0/s0/manifest.json',
    'optimized/dataset_gone_i0/attempt-1/log.json',
  ]);
  await put(['datasets/1/dataset_gone/raw', 'evaluations/task_gone/report.json']);
  await put(young, new Date());
  const report = await pass(false);
  expect(await keys()).toEqual([...kept, ...young].sort());
  expect(report).toMatchObject({
    garbage: { 'no-row': { objects: 4 }, 'deleted-upload': { objects: 1 } },
    notOurs: 2,
    datasetsCollected: 1,
  });
});

test('uploads in parts that a service left open are ended, those of people are not', async () => {
  const { client } = store as unknown as { client: S3Client };
  const live = await createTaskRow(db, { status: 'TRAINING' });
  const opened = [
    'models/task_gone/0/s0/attempt-1/w',
    `models/${live.taskId}/0/s0/attempt-1/w`,
    'datasets/1/dataset_x/raw',
  ];
  for (const Key of opened) await client.send(new CreateMultipartUploadCommand({ Bucket: s3.options.bucket, Key }));
  const open = async () => {
    const left: string[] = [];
    for await (const { key } of store.openUploads('')) left.push(key);
    return left.sort();
  };
  const inTwoHours = () => new Date(Date.now() + 2 * HOUR);
  expect((await pass(false)).uploadsEnded).toBe(0);
  expect((await pass(true, {}, inTwoHours)).uploadsEnded).toBe(1);
  expect(await open()).toEqual([...opened].sort());
  expect((await pass(false, {}, inTwoHours)).uploadsEnded).toBe(1);
  expect(await open()).toEqual(opened.slice(1).sort());
  expect((await pass(false, {}, () => new Date(Date.now() + 2 * DAY))).uploadsEnded).toBe(1);
  expect(await open()).toEqual(['datasets/1/dataset_x/raw']);
});

test('a listing of several pages is walked whole, and a retried attempt goes on after what was dealt with', async () => {
  const many = Array.from(
    { length: 1050 },
    (_, index) => `models/task_gone/0/s0/attempt-1/${String(index).padStart(5, '0')}`,
  );
  await put(many);
  const environment = activityEnvironment();
  const beats: { after: string | null; report: RetentionReport }[] = [];
  environment.on('heartbeat', (details) => beats.push(structuredClone(details) as (typeof beats)[number]));
  const whole: RetentionReport = await environment.run(collectGarbage, deps, { dryRun: true });
  expect(whole.garbage['no-row']).toMatchObject({ objects: 1050, bytes: 10_500 });
  expect(whole.garbage['no-row']?.examples).toHaveLength(10);

  const halfway = beats.find(({ after }) => after !== null);
  const retried = activityEnvironment();
  Object.assign(retried.context.info, { heartbeatDetails: halfway });
  expect(halfway?.report.listed.objects).toBe(1000);
  const resumed: RetentionReport = await retried.run(collectGarbage, deps, { dryRun: true });
  expect(resumed).toMatchObject({ listed: whole.listed, garbage: whole.garbage, startedAt: whole.startedAt });
});

test('a pass that is called off, as by an operator who sees that it is wrong, removes no more than the batch it was at', async () => {
  await put(Array.from({ length: 450 }, (_, index) => `models/task_gone/0/s0/attempt-1/${index}`));
  const environment = activityEnvironment();
  environment.on('heartbeat', ({ report }: { report: RetentionReport }) => {
    if (report.garbage['no-row']) environment.cancel();
  });
  const calledOff = environment.run(collectGarbage, deps, { dryRun: false });
  await expect(calledOff).rejects.toBeInstanceOf(CancelledFailure);
  expect(await keys()).toHaveLength(250);
});

test('objects that cannot be removed are counted, and go with the next pass', async () => {
  await put(['models/task_gone/0/s0/manifest.json', 'models/task_gone/0/s0/attempt-1/w']);
  const stubborn = Object.assign(Object.create(store) as S3ObjectStore, {
    removeAll: async ([first, ...rest]: string[]) => [
      ...(first ? [{ key: first, fault: 'AccessDenied' }] : []),
      ...(await store.removeAll(rest)),
    ],
  });
  expect(await pass(false, { store: stubborn })).toMatchObject({ failed: 1, garbage: { 'no-row': { objects: 1 } } });
  expect(await keys()).toHaveLength(1);
  expect(await pass(false)).toMatchObject({ failed: 0, garbage: { 'no-row': { objects: 1 } } });
  expect(await keys()).toEqual([]);
});

test('the workflow answers with the report', async () => {
  await put(['models/task_gone/0/s0/manifest.json']);
  const temporal = await openTestTemporal();
  const end = await startMaintenanceWorkers(temporal, {
    collectUnreachable: (request: { dryRun: boolean }) => collectGarbage(deps, request),
  });
  try {
    const report = await temporal.client.workflow.execute('collectGarbage', {
      ...{ taskQueue: TASK_QUEUES.main, workflowId: 'retention', args: [{ dryRun: false }] },
    });
    expect(report).toMatchObject({ dryRun: false, garbage: { 'no-row': { objects: 1 } } });
    expect(await keys()).toEqual([]);
  } finally {
    await end();
    await temporal.close();
  }
});
