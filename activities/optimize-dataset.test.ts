import { CancelledFailure } from '@temporalio/common';
import type { JobProgress, OptimizeRequest } from '../src/contracts/jobs';
import { jobKey } from '../src/contracts/job-key';
import type { TaskChange } from '../src/contracts/task-record';
import type { TaskRecordRepository } from '../src/repositories/task-records';
import { activityEnvironment } from '../src/testing/activity-environment';
import { clientsOf } from '../src/testing/fake-job-clients';
import { FakeJobService } from '../src/testing/fake-job-service';
import { objectRef, optimizeResult } from '../src/testing/job-results';
import { until } from '../src/testing/until';
import { optimizeDataset, type SizedOptimizeResult } from './optimize-dataset';
import { recordTask } from './record-task';
import { DEFAULT_TIMING } from './run-job';

let service: FakeJobService;
let shown: JobProgress[];
beforeEach(async () => {
  service = new FakeJobService();
  shown = [];
  service.onSubmit = (job, request) => ({ ...job, result: optimizeResult(request as OptimizeRequest) });
});
afterEach(() => service.close());

const REQUEST = {
  ...{ jobKey: jobKey({ taskId: 'task_a', iteration: 0, phase: 'optimization', segment: 0 }), taskId: 'task_a' },
  ...{
    iteration: 0,
    segment: 0,
    seed: 1,
    outputPrefix: 'optimized/dataset_a_i0_s0/',
    sealedPrefix: 'evaluations/task_a/sealed/',
  },
  ...{ source: objectRef('datasets/1/dataset_a/raw') },
} as unknown as OptimizeRequest;

async function optimize(
  sizeOf: (key: string) => Promise<number>,
  environment = activityEnvironment(),
): Promise<SizedOptimizeResult> {
  const writeProgress = async (_taskId: string, progress: JobProgress) => void shown.push(progress);
  const { optimizer } = await clientsOf(service);
  return environment.run(() =>
    optimizeDataset({ client: optimizer, timing: DEFAULT_TIMING, writeProgress }, sizeOf, REQUEST),
  );
}

test('the size of the rows comes with the result', async () => {
  const asked: string[] = [];
  const result = await optimize(async (key) => asked.push(key));
  expect([result.trainBytes, asked]).toEqual([1, [result.train.key]]);
});

test('an object store that is away is waited for here, and the task says so', async () => {
  await expect(optimize(() => Promise.reject(new Error('no store')))).rejects.toThrow('no store');
  expect(shown.at(-1)).toMatchObject({ stage: 'waiting for the object store' });
});

test('whoever cancels the task meanwhile does not wait for the object store', async () => {
  const environment = activityEnvironment();
  let isAsked = false;
  const asking = optimize(() => {
    isAsked = true;
    return new Promise(() => undefined);
  }, environment);
  await until('the store to be asked', () => isAsked);
  environment.cancel();
  await expect(asking).rejects.toBeInstanceOf(CancelledFailure);
});

test('the record of a task asks the object store only for data sets whose job did not tell their size', async () => {
  const applied: ReadonlyMap<string, number>[] = [];
  const records = {
    apply: async (_change: TaskChange, bytes: ReadonlyMap<string, number>) => applied.push(bytes) > 0,
  } as unknown as TaskRecordRepository;
  const asked: string[] = [];
  const sizeOf = async (key: string) => asked.push(key) * 100;
  const datasets = [{ storagePath: 'told', bytes: 7 }, { storagePath: 'not told' }];
  await recordTask(records, sizeOf, { datasets } as unknown as TaskChange);
  expect(asked).toEqual(['not told']);
  expect(applied).toEqual([
    new Map([
      ['told', 7],
      ['not told', 100],
    ]),
  ]);
});
