/** Pause, resume and cancel on the whole stack: by REST and by the `temporal` CLI, with the remote job really gone. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { newUser, stackProcess, waitFor, type Client, type Json } from './support/client';

const run = promisify(execFile);
const SAMPLES = process.env.WLOPS_SAMPLES_DIR ?? '';

let owner: Client;
let datasets: { training: string; validation: string };

beforeAll(async () => {
  owner = await newUser();
  const upload = async (file: string, datasetType: string) =>
    (await owner.uploadFile(path.join(SAMPLES, file), { datasetType, domain: 'math' })).datasetId as string;
  datasets = {
    training: await upload('training.jsonl', 'training'),
    validation: await upload('validation.jsonl', 'validation'),
  };
}, 60_000);

function startLoop(): Promise<Json> {
  return owner.startTask('continuous', {
    modelName: 'builtin:tinygpt',
    datasetId: datasets.training,
    validationDatasetId: datasets.validation,
    maxIterations: 5,
  });
}

/** The `temporal` CLI against the stack's own server, as the docs say. */
async function temporal(...args: string[]): Promise<string> {
  const address = `127.0.0.1:${stackProcess('temporal').port}`;
  const { stdout } = await run(
    process.env.WLOPS_TEST_TEMPORAL ?? 'temporal',
    ['workflow', ...args, '--address', address],
    {
      timeout: 30_000,
    },
  );
  return stdout;
}

const inTraining = (task: Json) => task.status === 'TRAINING' && (task.progress?.step ?? 0) > 0;

test('a second start finds the same workflow', async () => {
  const task = await startLoop();
  const again = await owner.post(`/api/tasks/${task.taskId}/start`);
  expect([200, 202]).toContain(again.status);
  expect(again.body.taskId).toBe(task.taskId);
  await owner.must(`/api/tasks/${task.taskId}/cancel`, { reason: 'only the start was of interest' });
  await owner.taskWhen(task.taskId, ({ status }) => status === 'CANCELLED', 60);
}, 120_000);

/** Job processes of the trainer: what leads a process group of its own below the service. */
async function trainingProcesses(): Promise<number> {
  const { stdout } = await run('ps', ['-eo', 'pid,ppid,sid']);
  const rows = stdout
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = new Set([stackProcess('trainer').pid]);
  for (let grown = -1; grown !== below.size;) {
    grown = below.size;
    for (const [pid = 0, ppid = 0] of rows) if (below.has(ppid)) below.add(pid);
  }
  return rows.filter(([pid = 0, , sid]) => below.has(pid) && sid === pid && pid !== stackProcess('trainer').pid).length;
}

test('a pause ends the training with a checkpoint, and a resume goes on from there', async () => {
  const { taskId } = await startLoop();
  const training = await owner.taskWhen(taskId, inTraining, 120);
  expect(await trainingProcesses()).toBe(1);
  const asked = Date.now();
  const pausing = await owner.must(`/api/tasks/${taskId}/pause`, { reason: 'lunch' });
  expect(pausing).toMatchObject({ status: 'TRAINING', controlState: 'pausing' });
  const suspended = await owner.taskWhen(taskId, ({ status }) => status === 'SUSPENDED', 30);
  expect(Date.now() - asked).toBeLessThan(10_000);
  expect(suspended).toMatchObject({
    controlState: 'none',
    suspension: { by: `user:${training.userId}`, reason: 'lunch', resumesTo: 'TRAINING' },
  });
  expect(await trainingProcesses()).toBe(0);
  const { body: executions } = await owner.get(`/api/tasks/${taskId}/executions`);
  expect(executions.items.at(-1)).toMatchObject({ phase: 'training', segment: 0, status: 'suspended' });

  await temporal(
    'signal',
    '--workflow-id',
    `wlops-task-${taskId}`,
    '--name',
    'resume',
    '--input',
    '{"reason": "back"}',
  );
  // Its first progress is already beyond what was done before the pause.
  const resumed = await owner.taskWhen(taskId, inTraining, 60);
  expect(resumed.progress.step).toBeGreaterThanOrEqual(training.progress.step);
  expect(resumed.suspension).toBeNull();

  await owner.must(`/api/tasks/${taskId}/cancel`);
  await owner.taskWhen(taskId, ({ status }) => status === 'CANCELLED', 60);
}, 300_000);

test('a cancel in training ends the remote job, and the task says so', async () => {
  const { taskId } = await startLoop();
  await owner.taskWhen(taskId, inTraining, 120);
  await owner.must(`/api/tasks/${taskId}/cancel`, { reason: 'changed my mind' });
  const cancelled = await owner.taskWhen(taskId, ({ status }) => status === 'CANCELLED', 30);
  expect(cancelled.completedAt).not.toBeNull();

  const log = stackProcess('trainer').logFile;
  await waitFor('the trainer to say that its job is cancelled', 20, async () => {
    const { stdout } = await run('grep', ['-c', `${taskId}.*cancelled`, log]).catch(() => ({ stdout: '0' }));
    return Number(stdout) > 0 ? true : null;
  });
  // The row is written first, then the report; the workflow closes last.
  const closed = await waitFor('the workflow to close', 20, async () => {
    const described = await temporal('describe', '--workflow-id', `wlops-task-${taskId}`, '--output', 'json');
    const { status } = JSON.parse(described).workflowExecutionInfo;
    return status === 'WORKFLOW_EXECUTION_STATUS_RUNNING' ? null : status;
  });
  expect(closed).toBe('WORKFLOW_EXECUTION_STATUS_CANCELED');
}, 240_000);

test('the temporal CLI queries, updates and cancels a task by its documented names', async () => {
  const { taskId } = await startLoop();
  const id = ['--workflow-id', `wlops-task-${taskId}`];
  await owner.taskWhen(taskId, ({ status }) => status !== 'PENDING', 60);

  const status = JSON.parse(await temporal('query', ...id, '--type', 'status', '--output', 'json'));
  expect(JSON.stringify(status)).toContain(taskId);
  await temporal('update', 'execute', ...id, '--name', 'updateStopConditions', '--input', '{"maxIterations": 2}');
  await waitFor('the new limit to be seen', 20, async () =>
    (await owner.task(taskId)).maxIterations === 2 ? true : null,
  );
  await temporal('cancel', ...id);
  await owner.taskWhen(taskId, ({ status: now }) => now === 'CANCELLED', 60);
}, 240_000);
