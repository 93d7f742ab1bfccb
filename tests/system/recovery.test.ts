/** Processes die and come back; the task goes on. Every fault here is a real signal to a real process of the stack. */
import path from 'node:path';
import { newUser, stackProcess, waitFor, type Client, type Json } from './support/client';

const SAMPLES = process.env.WLOPS_SAMPLES_DIR ?? '';

let owner: Client;
let datasetId: string;

beforeAll(async () => {
  owner = await newUser();
  const dataset = await owner.uploadFile(path.join(SAMPLES, 'training.jsonl'), {
    datasetType: 'training',
    domain: 'math',
  });
  datasetId = dataset.datasetId;
}, 60_000);

async function trainingTask(): Promise<string> {
  const { taskId } = await owner.startTask('standard', { modelName: 'builtin:tinygpt', datasetId });
  await owner.taskWhen(taskId, (task: Json) => task.status === 'TRAINING' && (task.progress?.step ?? 0) > 0, 120);
  return taskId as string;
}

async function replaced(name: string, oldPid: number): Promise<void> {
  await waitFor(`${name} to be restarted`, 60, async () => {
    const { pid } = stackProcess(name);
    return pid !== oldPid ? true : null;
  });
}

test('a worker killed in training is replaced and re-attaches to the running job', async () => {
  const taskId = await trainingTask();
  const { pid } = stackProcess('worker');
  process.kill(pid, 'SIGKILL');
  await replaced('worker', pid);
  await owner.completed(taskId, 300);
  const { body } = await owner.get(`/api/tasks/${taskId}/executions`);
  const trainings = body.items.filter((row: Json) => row.phase === 'training');
  expect(trainings.map((row: Json) => [row.segment, row.status])).toEqual([[0, 'completed']]);
}, 420_000);

test('a trainer killed in training comes back, takes its job up again and finishes it', async () => {
  const taskId = await trainingTask();
  const { pid } = stackProcess('trainer');
  process.kill(pid, 'SIGKILL');
  await replaced('trainer', pid);
  const task = await owner.completed(taskId, 300);
  expect(task.latestModelPath).toContain(taskId);
  // Who reads the execution or the report is told.
  const { body } = await owner.get(`/api/tasks/${taskId}/executions`);
  const training = body.items.find((row: Json) => row.phase === 'training');
  expect(training.details.restarts).toMatchObject([{ attempt: 1, cause: 'service' }]);
  const report = await owner.get(`/api/tasks/${taskId}/report`);
  expect(report.body.iterations[0].interruptions).toMatchObject([{ phase: 'training', cause: 'service' }]);
}, 420_000);

test('while a service does not answer the task waits, says so, and then goes on', async () => {
  const { pid } = stackProcess('optimizer');
  process.kill(pid, 'SIGSTOP');
  try {
    const { taskId } = await owner.startTask('standard', { modelName: 'builtin:tinygpt', datasetId });
    const waiting = await owner.taskWhen(taskId, (task: Json) => /waiting/.test(task.progress?.stage ?? ''), 120);
    expect(waiting.status).toBe('OPTIMIZING');
    expect(waiting.progress.stage).toContain('optimizer');
    process.kill(pid, 'SIGCONT');
    await owner.taskWhen(taskId, ({ status }) => status === 'TRAINING', 120);
    await owner.must(`/api/tasks/${taskId}/cancel`);
    await owner.taskWhen(taskId, ({ status }) => status === 'CANCELLED', 60);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}, 300_000);
