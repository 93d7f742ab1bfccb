import { jobId } from '../src/contracts/job-id';
import type { JobRestart, JobStatus, ServiceName } from '../src/contracts/jobs';
import { activityEnvironment } from '../src/testing/activity-environment';
import { clientsOf } from '../src/testing/fake-job-clients';
import { fail, FakeJobService } from '../src/testing/fake-job-service';
import { objectRef } from '../src/testing/job-results';
import { pauseJob } from './pause-job';
import type { PythonJobClient } from './python-job-client';

const KEY = 'task_a/0/training/0';
const CHECKPOINT = objectRef('models/task_a/0/s0/attempt-1/checkpoint-7/manifest.json');
const TIMING = { waitMs: 0, pauseMs: 5, heartbeatIntervalMs: 5 };

let service: FakeJobService;
let clients: Record<ServiceName, PythonJobClient>;
beforeEach(async () => {
  service = new FakeJobService();
  clients = await clientsOf(service);
});
afterEach(() => service.close());

const pause = (name: ServiceName = 'trainer') =>
  activityEnvironment().run(() => pauseJob(clients, TIMING, { service: name, jobKey: KEY }));

async function submit(state: JobStatus['state'], changes: Partial<JobStatus> = {}): Promise<void> {
  service.onSubmit = (job) => ({ ...job, state, ...changes });
  const request = {
    jobKey: KEY,
    taskId: 'task_a',
    iteration: 0,
    segment: 0,
    seed: 1,
    outputPrefix: 'models/task_a/0/s0/',
  };
  await clients.trainer.submit(request, new AbortController().signal);
}

test('a training is told to pause, and its checkpoint is what the next segment continues from', async () => {
  await submit('running');
  service.onPause = (job) => job;
  service.onPoll = (job) =>
    service.polls < 3 ? job : { ...job, state: 'paused', attempt: 2, result: { checkpoint: CHECKPOINT, step: 7 } };
  expect(await pause()).toEqual({ state: 'paused', attempts: 2, checkpoint: CHECKPOINT });
  expect(service.paused).toEqual([jobId(KEY)]);
  expect(service.cancelled).toEqual([]);
  // Repeated, as after a worker's death, it answers the same.
  expect(await pause()).toEqual({ state: 'paused', attempts: 2, checkpoint: CHECKPOINT });
});

test('what is known of its restarts is told with its end', async () => {
  const restart = {
    attempt: 1,
    at: '2030-01-01T00:00:00.000Z',
    cause: 'process',
    exitCode: -9,
    stage: 'epoch 1',
    step: 7,
  };
  await submit('paused', { attempt: 2, result: null, restarts: [restart as JobRestart] });
  expect(await pause()).toEqual({ state: 'paused', attempts: 2, checkpoint: null, restarts: [restart] });
});

test('a training that had nothing to save yet pauses without a checkpoint', async () => {
  await submit('queued', { attempt: 0 });
  expect(await pause()).toEqual({ state: 'paused', attempts: 0, checkpoint: null });
});

test.each(['succeeded', 'failed'] as const)('a training that has %s just before stays so', async (state) => {
  await submit(state);
  expect(await pause()).toEqual({ state, attempts: 1, checkpoint: null });
});

test('a training that has not arrived yet never runs', async () => {
  expect(await pause()).toEqual({ state: 'lost', attempts: 0, checkpoint: null });
  expect(service.cancelled).toEqual([jobId(KEY)]);
});

test.each(['optimizer', 'evaluator'] as const)('a job of the %s is stopped, for it is done again', async (name) => {
  await submit('running');
  expect(await pause(name)).toEqual({ state: 'cancelled', attempts: 1, checkpoint: null });
  expect(service.paused).toEqual([]);
});

test.each(['optimizer', 'trainer', 'evaluator'] as const)(
  'a job that the %s forgets meanwhile never runs',
  async (name) => {
    await submit('running');
    const ending = (job: JobStatus): JobStatus => {
      service.intercept = ({ method }, response) => {
        if (method !== 'GET') return false;
        service.jobs.clear();
        service.intercept = null;
        service.onCancel = (unknown) => ({ ...unknown, state: 'cancelled' });
        fail(response, 404, 'JOB_NOT_FOUND', 'no such job');
        return true;
      };
      return job;
    };
    service.onCancel = service.onPause = ending;
    expect(await pause(name)).toEqual({ state: 'lost', attempts: 0, checkpoint: null });
    expect(service.cancelled.at(-1)).toBe(jobId(KEY));
  },
);

test('a service that is down is asked again', async () => {
  await service.close();
  await expect(pause()).rejects.toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
});

test('a checkpoint that is no object of the bucket is none: the trainer looks for the newest itself', async () => {
  await submit('running');
  service.onPause = (job) => ({ ...job, state: 'paused', result: { checkpoint: { key: '../x', sha256: 'no' } } });
  expect(await pause()).toMatchObject({ state: 'paused', checkpoint: null });
});
