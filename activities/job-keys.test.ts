import type { JobRequestBase } from '../src/contracts/jobs';
import { foreignKeys } from './job-keys';

const ref = (key: string) => ({ key, sha256: 'a'.repeat(64) });

/** An optimization of iteration 1 that is redone as segment 3, with the split that iteration 0 has frozen. */
const redone = {
  jobKey: 'task_x/1/optimization/3',
  taskId: 'task_x',
  iteration: 1,
  segment: 3,
  seed: 7,
  outputPrefix: 'optimized/dataset_x_i1_s3/',
  earlierPrefixes: ['optimized/dataset_x_i1_s2/', 'optimized/dataset_x_i1/'],
  sealedPrefix: 'evaluations/task_x/sealed/s3/',
  split: ref('optimized/dataset_x_i0/attempt-1/split.json'),
} as JobRequestBase;

test.each([
  ['its own', 'optimized/dataset_x_i1_s3/attempt-1/train.parquet'],
  ['its own, of the sealed rows', 'evaluations/task_x/sealed/s3/attempt-1/select.parquet'],
  ['the sealed rows of iteration 0', 'evaluations/task_x/sealed/attempt-1/select.parquet'],
  ['the sealed rows of an earlier segment', 'evaluations/task_x/sealed/s2/attempt-1/test.parquet'],
  ['what an earlier segment made', 'optimized/dataset_x_i1/attempt-2/train.parquet'],
  ['what lies beside the split', 'optimized/dataset_x_i0/attempt-1/mine.parquet'],
])('a redone optimization may name %s', (_what, key) => {
  expect(foreignKeys(redone, { select: ref(key) })).toEqual([]);
});

test.each([
  'evaluations/task_y/sealed/attempt-1/select.parquet',
  'optimized/dataset_y_i1/attempt-1/train.parquet',
  'models/task_x/0/s0/attempt-1/model.safetensors',
])('but not %s', (key) => {
  expect(foreignKeys(redone, { select: ref(key) })).toEqual([key]);
});
