import { jobId } from '../src/contracts/job-id';
import type { ServiceName } from '../src/contracts/jobs';
import { activityEnvironment } from '../src/testing/activity-environment';
import { clientsOf } from '../src/testing/fake-job-clients';
import { FakeJobService } from '../src/testing/fake-job-service';
import type { PythonJobClient } from './python-job-client';
import { stopJob } from './stop-job';

const KEY = 'task_a/0/training/0';
let service: FakeJobService;
let clients: Record<ServiceName, PythonJobClient>;
beforeEach(async () => {
  service = new FakeJobService();
  clients = await clientsOf(service);
});
afterEach(() => service.close());

const TIMING = { waitMs: 0, pauseMs: 5, heartbeatIntervalMs: 5 };

const stop = () => activityEnvironment().run(() => stopJob(clients, TIMING, { service: 'trainer', jobKey: KEY }));

test('a key the service has never seen gets a tombstone', async () => {
  expect(await stop()).toMatchObject({ state: 'cancelled' });
  expect(service.cancelled).toEqual([jobId(KEY)]);
});

test('it waits until the job has ended, and may be repeated', async () => {
  service.onSubmit = (job) => ({ ...job, state: 'running', finishedAt: null });
  service.onCancel = (job) => job;
  service.onPoll = (job) => (service.polls < 3 ? job : { ...job, state: 'cancelled' });
  const { signal } = new AbortController();
  const request = {
    jobKey: KEY,
    taskId: 'task_a',
    iteration: 0,
    segment: 0,
    seed: 1,
    outputPrefix: 'models/task_a/0/s0/',
  };
  await clients.trainer.submit(request, signal);
  expect(await stop()).toMatchObject({ state: 'cancelled' });
  expect(service.polls).toBe(3);
  expect(await stop()).toMatchObject({ state: 'cancelled' });
  expect(service.polls).toBe(3);
});

test('a service that is down is retried', async () => {
  await service.close();
  await expect(stop()).rejects.toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
});
