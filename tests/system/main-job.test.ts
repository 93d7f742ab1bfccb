/** WLOps' main job on the sample data: one pass of STANDARD, and a CONTINUOUS loop that repairs what it finds wrong. */
import path from 'node:path';
import { newUser, type Client, type Json } from './support/client';

const SAMPLES = process.env.WLOPS_SAMPLES_DIR ?? '';

let owner: Client;
beforeAll(async () => {
  owner = await newUser();
});

test('a STANDARD task goes through its three phases to COMPLETED and reports a sealed score', async () => {
  const dataset = await owner.uploadFile(path.join(SAMPLES, 'messages.csv'), {
    datasetType: 'training',
    domain: 'support',
  });
  expect(dataset.sampleCount).toBeGreaterThan(500);
  const { taskId } = await owner.startTask('standard', {
    modelName: 'builtin:classifier',
    datasetId: dataset.datasetId,
    userId: owner.user?.userId,
    hyperparameters: '{"epochs": 10}',
  });
  const task = await owner.completed(taskId, 240);
  expect(task).toMatchObject({
    taskMode: 'STANDARD',
    currentIteration: 0,
    championIteration: 0,
    controlState: 'none',
    failure: null,
  });
  expect(task.latestScore).toBeGreaterThan(0.6);

  const { body: executions } = await owner.get(`/api/tasks/${taskId}/executions`);
  expect(executions.items.map((row: Json) => `${row.iteration} ${row.phase} ${row.status}`)).toEqual([
    '0 optimization completed',
    '0 training completed',
    '0 evaluation completed',
  ]);

  const { body: report } = await owner.get(`/api/tasks/${taskId}/report`);
  expect(report.metric).toEqual({ name: 'accuracy', higherIsBetter: true });
  expect(report.iterations).toHaveLength(1);
  expect(report.iterations[0].steps.map((step: Json) => step.name).length).toBeGreaterThan(3);
  expect(report.test).toMatchObject({ reads: 1 });
  expect(report.accessLedger.map(({ role, purpose, actor }: Json) => [role, purpose, actor])).toEqual([
    ['select', 'split', 'optimizer'],
    ['test', 'split', 'optimizer'],
    ['select', 'score', 'evaluator'],
    ['test', 'final', 'evaluator'],
  ]);
  expect(report.test.low).toBeLessThanOrEqual(report.test.score);
  expect(report.lineage.modelSha256).toMatch(/^[0-9a-f]{64}$/);

  const page = await owner.get(`/api/tasks/${taskId}/report`, { accept: 'text/html' });
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.body).toContain('<svg');
  expect(page.body).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
}, 300_000);

test('a CONTINUOUS task finds what it is bad at and repairs it from its own findings', async () => {
  const training = await owner.uploadFile(path.join(SAMPLES, 'training.jsonl'), {
    datasetType: 'training',
    domain: 'math',
  });
  const validation = await owner.uploadFile(path.join(SAMPLES, 'validation.jsonl'), {
    datasetType: 'validation',
    domain: 'math',
  });
  const { taskId } = await owner.startTask('continuous', {
    modelName: 'builtin:tinygpt',
    datasetId: training.datasetId,
    validationDatasetId: validation.datasetId,
    maxIterations: 4,
    performanceThreshold: 0.95,
  });
  const task = await owner.completed(taskId, 600);
  expect(task.stopReason).toMatchObject({ policy: 'performanceThreshold', threshold: 0.95 });

  const { body: report } = await owner.get(`/api/tasks/${taskId}/report`);
  const scores = report.iterations.map((iteration: Json) => iteration.score);
  expect(scores[0]).toBeLessThan(0.85);
  expect(scores.length).toBeLessThanOrEqual(3);
  expect(scores.at(-1)).toBeGreaterThanOrEqual(0.95);
  // What was repaired is what the evaluator had found, by the name it gave it.
  const found = report.iterations[0].improvements.map((improvement: Json) => improvement.id);
  const applied = report.iterations[1].applied;
  expect(applied.length).toBeGreaterThan(0);
  expect(applied.every((entry: Json) => found.includes(entry.id) && entry.rows > 0)).toBe(true);
  expect(report.iterations[0].slices[0].errorRate).toBeGreaterThan(0.8);
  expect(report.test.score).toBeGreaterThanOrEqual(0.9);
  expect(report.test.reads).toBe(1);

  const { body: decisions } = await owner.get(`/api/tasks/${taskId}/decisions`);
  const kinds = decisions.items.map((decision: Json) => decision.kind);
  expect(kinds.filter((kind: string) => kind === 'read-test')).toHaveLength(1);
  expect(kinds.filter((kind: string) => kind === 'stop')).toHaveLength(1);
}, 660_000);
