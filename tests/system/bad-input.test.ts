/** What a user sees when the input is wrong, through the real API on the whole stack. */
import { newUser, type Client } from './support/client';

let owner: Client;
let datasetId: string;

const ROWS = [
  'text,label',
  ...Array.from(
    { length: 60 },
    (_, i) => `${i % 2 ? 'refund my order' : 'where is my parcel'} ${i},${i % 2 ? 'refund' : 'parcel'}`,
  ),
];

beforeAll(async () => {
  owner = await newUser();
  const dataset = await owner.upload(Buffer.from(ROWS.join('\n')), {
    name: 'small',
    datasetType: 'training',
    domain: 'support',
  });
  datasetId = dataset.datasetId;
});

test('an unknown model is refused and the known ones are named', async () => {
  const reply = await owner.post('/api/tasks/standard', { taskName: 't', modelName: 'no-such-model', datasetId });
  expect(reply.status).toBe(422);
  expect(reply.body.error.code).toBe('MODEL_UNKNOWN');
  expect(JSON.stringify(reply.body)).toContain('builtin:classifier');
});

test('a hyperparameter out of range is refused and named', async () => {
  const reply = await owner.post('/api/tasks/standard', {
    taskName: 't',
    modelName: 'builtin:classifier',
    datasetId,
    hyperparameters: '{"learning_rate": -1}',
  });
  expect(reply.status).toBe(422);
  expect(JSON.stringify(reply.body)).toContain('learning_rate');
});

test("starting another user's task answers exactly like a missing one", async () => {
  const task = await owner.must('/api/tasks/standard', { taskName: 't', modelName: 'builtin:classifier', datasetId });
  const other = await newUser();
  const foreign = await other.post(`/api/tasks/${task.taskId}/start`);
  const missing = await other.post('/api/tasks/task_00000000000000000000000000/start');
  expect(foreign.status).toBe(404);
  expect({ ...foreign.body.error, requestId: '' }).toEqual({ ...missing.body.error, requestId: '' });
});

test('a data set that cannot be read fails the task in its first phase, once, with line and sample', async () => {
  const dataset = await owner.upload(
    Buffer.from([0x00, 0xff, 0xfe, 0x01, 0x02, 0x80, 0x81, 0x0a].flatMap((b) => Array<number>(50).fill(b))),
    {
      name: 'noise',
      datasetType: 'training',
      domain: 'none',
    },
  );
  const task = await owner.startTask('standard', { modelName: 'builtin:classifier', datasetId: dataset.datasetId });
  const failed = await owner.taskWhen(task.taskId, ({ status }) => status === 'FAILED', 90);
  expect(failed.failure).toMatchObject({ phase: 'optimization', retryable: false });
  expect(failed.failure.code).toMatch(/^DATASET_/);
  const executions = await owner.get(`/api/tasks/${task.taskId}/executions`);
  expect(executions.body.items).toHaveLength(1);
  expect(executions.body.items[0]).toMatchObject({ phase: 'optimization', status: 'failed', iteration: 0 });
}, 120_000);

test('broken JSON lines without one good row name the line and show it', async () => {
  const dataset = await owner.upload(Buffer.from('{"text": "a", "label"\n{"text": oops}\n'.repeat(20)), {
    name: 'broken',
    datasetType: 'training',
    domain: 'none',
    format: 'jsonl',
  });
  const task = await owner.startTask('standard', { modelName: 'builtin:classifier', datasetId: dataset.datasetId });
  const failed = await owner.taskWhen(task.taskId, ({ status }) => status === 'FAILED', 90);
  expect(failed.failure.details).toMatchObject({ line: 1, sample: expect.stringContaining('"label"') });
}, 120_000);
