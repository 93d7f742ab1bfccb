import { ActivityCancellationDetails, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { JobError, JobProgress, JobRestart, JobStatus, TrainRequest } from '../src/contracts/jobs';
import { jobKey } from '../src/contracts/job-key';
import { trainResult } from '../src/contracts/job-schemas';
import { activityEnvironment } from '../src/testing/activity-environment';
import { FakeJobService, fail, reply, TEST_SERVICE_SECRET } from '../src/testing/fake-job-service';
import { objectRef, trainResult as aTrainResult } from '../src/testing/job-results';
import { until } from '../src/testing/until';
import { PythonJobClient } from './python-job-client';
import { runJob, type JobTiming } from './run-job';

let service: FakeJobService;
let baseUrl: string;
let shown: JobProgress[];
beforeEach(async () => {
  service = new FakeJobService();
  baseUrl = `http://127.0.0.1:${await service.listen()}`;
  shown = [];
  service.onSubmit = (job, request) => ({ ...job, result: aTrainResult(request as TrainRequest) });
});
afterEach(() => service.close());

const TIMING: JobTiming = {
  pollIntervalMs: 10,
  maxPollIntervalMs: 20,
  heartbeatIntervalMs: 5,
  stallAfterMs: 200,
  progressIntervalMs: 0,
};

function request(segment = 0): TrainRequest {
  return {
    jobKey: jobKey({ taskId: 'task_a', iteration: 0, phase: 'training', segment }),
    taskId: 'task_a',
    iteration: 0,
    segment,
    seed: 1,
    outputPrefix: `models/task_a/0/s${segment}/`,
    modelName: 'builtin:classifier',
    hyperparameters: {},
    taskType: 'classification',
    train: { ...objectRef('optimized/dataset_a/attempt-1/train.parquet'), rows: 8 },
    mine: null,
    resumeFrom: null,
  };
}

function client(requestTimeoutMs = 1000): PythonJobClient {
  return new PythonJobClient({ service: 'trainer', baseUrl, serviceSecret: TEST_SERVICE_SECRET, requestTimeoutMs });
}

function run(environment = activityEnvironment(), timing: Partial<JobTiming> = {}, using = client()) {
  const runner = {
    client: using,
    timing: { ...TIMING, ...timing },
    writeProgress: async (_taskId: string, progress: JobProgress) => void shown.push(progress),
  };
  return environment.run(() => runJob(runner, request(), trainResult));
}

/** The failure a run ends with, as Temporal would see it. */
async function failureOf(running: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await running.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

const jobErrorOf = (failure: ApplicationFailure) => failure.details?.[0] as JobError;

const runningJob = (job: JobStatus): JobStatus => ({ ...job, state: 'running', updatedAt: new Date().toISOString() });

test('a job is submitted, polled to its end, and its parsed result returned', async () => {
  let polls = 0;
  service.onSubmit = (job) => ({ ...job, state: 'queued' });
  service.onPoll = (job) => {
    polls += 1;
    return polls < 3
      ? runningJob(job)
      : { ...job, state: 'succeeded', result: { ...aTrainResult(request()), extra: 1 } };
  };
  expect(await run()).toEqual(aTrainResult(request()));
  expect(service.submissions).toHaveLength(1);
  expect(service.tokens[0]).toMatchObject({ iss: 'wlops', aud: 'wlops-trainer' });
  const { exp = 0, iat = 0 } = service.tokens[0] ?? {};
  expect(exp - iat).toBeLessThanOrEqual(300);
});

test('a second attempt finds the job of the first by its key', async () => {
  service.onSubmit = runningJob;
  const first = activityEnvironment();
  const dying = run(first);
  await until('the job to be polled', () => service.polls > 0);
  first.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
  await expect(dying).rejects.toBeInstanceOf(CancelledFailure);

  service.onPoll = (job) => ({ ...job, state: 'succeeded', result: aTrainResult(request()) });
  expect(await run()).toEqual(aTrainResult(request()));
  expect(service.jobs.size).toBe(1);
});

test.each([
  ['a worker that shuts down', 'WORKER_SHUTDOWN', { workerShutdown: true }],
  ['a cancelled task', 'CANCELLED', { cancelRequested: true }],
  ['a paused activity', 'PAUSED', { paused: true }],
  ['a time limit', 'TIMED_OUT', { timedOut: true }],
  ['a workflow that is gone', 'NOT_FOUND', { notFound: true }],
])('%s stops the polling but never the remote job', async (_, reason, details) => {
  service.onSubmit = runningJob;
  service.onPoll = runningJob;
  const environment = activityEnvironment();
  const running = run(environment);
  await until('the job to be polled', () => service.polls > 0);
  environment.cancel(reason as 'CANCELLED', new ActivityCancellationDetails(details));
  await expect(running).rejects.toBeInstanceOf(CancelledFailure);
  expect(service.cancelled).toEqual([]);
  // One poll may have been on its way.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const polls = service.polls;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(service.polls).toBe(polls);
});

test('it heartbeats on its own while a poll hangs', async () => {
  service.onSubmit = runningJob;
  const environment = activityEnvironment();
  let beats = 0;
  environment.on('heartbeat', () => (beats += 1));
  const running = run(environment, {}, client(500));
  service.intercept = () => true;
  const failure = await failureOf(running);
  expect(failure).toMatchObject({ type: 'SERVICE_UNAVAILABLE', message: 'waiting for the trainer: no answer in time' });
  expect(beats).toBeGreaterThan(10);
});

test('a service that is down is waited for, and the task says so', async () => {
  await service.close();
  const failure = await failureOf(run());
  expect(failure).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
  expect(shown.at(-1)?.stage).toBe('waiting for the trainer: connection refused');
});

test.each([500, 502, 503])('an answer of %d is retried', async (status) => {
  service.intercept = (_, response) => {
    fail(response, status, 'NOT_READY', 'the bucket does not answer');
    return true;
  };
  expect(await failureOf(run())).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
  expect(shown.at(-1)?.stage).toBe('waiting for the trainer: the bucket does not answer');
});

test('a full queue is asked again when it said', async () => {
  service.intercept = (_, response) => {
    fail(response, 429, 'QUEUE_FULL', 'the queue is full', { 'retry-after': '7' });
    return true;
  };
  expect(await failureOf(run())).toMatchObject({ nonRetryable: false, nextRetryDelay: 7000 });
});

test('a wrong secret is retried and named, because mending it needs no new task', async () => {
  const wrong = new PythonJobClient({
    service: 'trainer',
    baseUrl,
    serviceSecret: 'another secret, 32 characters long',
  });
  const failure = await failureOf(run(activityEnvironment(), {}, wrong));
  expect(failure.nonRetryable).toBe(false);
  expect(failure.message).toContain('WLOPS_SERVICE_SECRET');
});

test.each([
  [409, 'JOB_KEY_CONFLICT', 'JOB_KEY_CONFLICT'],
  [413, 'PAYLOAD_TOO_LARGE', 'JOB_REJECTED'],
  [422, 'VALIDATION_FAILED', 'JOB_REJECTED'],
])('an answer of %d ends the job: another try would say the same', async (status, code, type) => {
  service.intercept = (_, response) => {
    fail(response, status, code, 'hyperparameters.epochs: must be positive');
    return true;
  };
  const failure = await failureOf(run());
  expect(failure).toMatchObject({ type, nonRetryable: true });
  expect(failure.message).toContain('must be positive');
  expect(jobErrorOf(failure).retryable).toBe(false);
});

test('a job the service forgot is lost: this segment is over and the next may try', async () => {
  service.onSubmit = runningJob;
  service.intercept = (incoming, response) => {
    if (incoming.method !== 'GET') return false;
    fail(response, 404, 'JOB_NOT_FOUND', 'no such job');
    return true;
  };
  const failure = await failureOf(run());
  expect(failure).toMatchObject({ type: 'JOB_LOST', nonRetryable: true });
  expect(jobErrorOf(failure)).toMatchObject({ code: 'JOB_LOST', retryable: true });
});

test('a 404 that is not about jobs is a wrong address, not a lost job', async () => {
  service.intercept = (_, response) => {
    reply(response, 404, { detail: 'Not Found' });
    return true;
  };
  expect(await failureOf(run())).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false });
});

test('a failed job carries its code, sentence, details and whether a retry helps', async () => {
  const error = { code: 'DATASET_UNREADABLE', message: 'line 7 has 3 columns', details: { line: 7 }, retryable: false };
  service.onSubmit = (job) => ({ ...job, state: 'failed', error });
  const failure = await failureOf(run());
  expect(failure).toMatchObject({ type: 'DATASET_UNREADABLE', message: 'line 7 has 3 columns', nonRetryable: true });
  expect(jobErrorOf(failure)).toEqual(error);
});

test('the restarts of a job are told with its result, or with its fault', async () => {
  const restart = { attempt: 1, at: '2030-01-01T00:00:00.000Z', exitCode: -9, stage: 'epoch 1 of 2', step: 7 };
  const restarts: JobRestart[] = [{ ...restart, cause: 'process' }];
  service.onSubmit = (job) => ({ ...job, state: 'succeeded', restarts, result: aTrainResult(request()) });
  expect(await run()).toEqual({ ...aTrainResult(request()), restarts });

  service.jobs.clear();
  const error = { code: 'JOB_CRASHED', message: 'died again', details: null, retryable: false };
  service.onSubmit = (job) => ({ ...job, state: 'failed', restarts, error });
  expect(jobErrorOf(await failureOf(run()))).toEqual({ ...error, details: { restarts } });

  service.jobs.clear();
  const large = { ...error, details: { line: 7, text: 'x'.repeat(19_900) } };
  service.onSubmit = (job) => ({ ...job, state: 'failed', restarts, error: large });
  expect(jobErrorOf(await failureOf(run()))).toEqual({ ...large, details: { ...large.details, restarts } });

  service.jobs.clear();
  service.onSubmit = (job) => ({ ...job, state: 'paused', restarts });
  expect(jobErrorOf(await failureOf(run()))).toMatchObject({ code: 'JOB_PAUSED', details: { restarts } });
});

test('a job born cancelled by a tombstone is not taken for a result', async () => {
  await activityEnvironment().run(() => client().cancel(request().jobKey, new AbortController().signal));
  expect(await failureOf(run())).toMatchObject({ type: 'JOB_CANCELLED', nonRetryable: true });
});

test('a running job that shows no sign of life for too long is stalled, a queued one is not', async () => {
  service.onSubmit = (job) => ({ ...job, state: 'running' });
  expect(await failureOf(run())).toMatchObject({ type: 'JOB_STALLED', nonRetryable: true });

  service.jobs.clear();
  const queuedAt = performance.now();
  service.onSubmit = (job) => ({ ...job, state: 'queued' });
  service.onPoll = (job) =>
    performance.now() - queuedAt < 400 ? job : { ...job, state: 'succeeded', result: aTrainResult(request()) };
  expect(await run()).toEqual(aTrainResult(request()));
});

test('progress is shown as it comes, but no more often than asked', async () => {
  const progress = (step: number): JobProgress => ({
    stage: 'epoch 1 of 2',
    step,
    totalSteps: 40,
    loss: 1 / (step + 1),
    score: null,
    rate: 10,
    etaSeconds: 1,
  });
  service.onSubmit = runningJob;
  let step = 0;
  service.onPoll = (job) => {
    step += 1;
    const moved = { ...runningJob(job), progress: progress(step) };
    return step < 40 ? moved : { ...moved, state: 'succeeded', result: aTrainResult(request()) };
  };
  await run(activityEnvironment(), { progressIntervalMs: 100 });
  expect(shown.length).toBeGreaterThan(2);
  expect(shown.length).toBeLessThan(20);
  expect(shown.at(-1)).toMatchObject({ stage: 'epoch 1 of 2', totalSteps: 40 });
});

test('progress that stands still is shown again, so that a row written late cannot hide it', async () => {
  service.onSubmit = runningJob;
  service.onPoll = (job) =>
    shown.length < 3 ? runningJob(job) : { ...job, state: 'succeeded', result: aTrainResult(request()) };
  await run(activityEnvironment(), { progressIntervalMs: 10 });
  expect(shown.map((one) => one.stage)).toEqual(['starting', 'starting', 'starting']);
});

test('a database that refuses progress does no harm to the job', async () => {
  service.onSubmit = runningJob;
  service.onPoll = (job) => ({ ...job, state: 'succeeded', result: aTrainResult(request()) });
  const runner = { client: client(), timing: TIMING, writeProgress: () => Promise.reject(new Error('down')) };
  expect(await activityEnvironment().run(() => runJob(runner, request(), trainResult))).toBeDefined();
});

describe('a reply that cannot be used ends the job and is never passed on', () => {
  const valid = () => aTrainResult(request());
  test.each([
    ['no result', null],
    ['a missing field', { ...valid(), weightsSha256: undefined }],
    ['a number that is none', { ...valid(), seconds: 'long' }],
    ['a path upwards', { ...valid(), modelPath: 'models/task_a/0/s0/../../../etc/' }],
    ['a URL for a key', { ...valid(), model: { ...valid().model, key: 'http://example.org/model' } }],
    ["another task's model", { ...valid(), model: objectRef('models/task_b/0/s0/manifest.json') }],
    ["another task's folder", { ...valid(), modelPath: 'models/task_b/0/s0/' }],
    ['a curve without end', { ...valid(), lossCurve: Array(5000).fill([0, 1]) }],
  ])('%s', async (_, result) => {
    service.onSubmit = (job) => ({ ...job, result });
    expect(await failureOf(run())).toMatchObject({ type: 'INVALID_JOB_RESULT', nonRetryable: true });
  });

  test.each([
    ['HTML', (send: (text: string) => void) => send('<html>login</html>')],
    ['half a JSON', (send: (text: string) => void) => send('{"jobId": "job_')],
    ['more than may be read', (send: (text: string) => void) => send(`"${'x'.repeat(2 * 1024 * 1024)}"`)],
    ['the status of another job', (send: (text: string) => void) => send(JSON.stringify({ jobId: 'job_0' }))],
  ])('%s', async (_, answer) => {
    service.intercept = (_request, response) => {
      answer((text) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text));
      return true;
    };
    expect(await failureOf(run())).toMatchObject({ type: 'INVALID_JOB_RESULT', nonRetryable: true });
  });

  test('a redirect, which could carry the token elsewhere', async () => {
    let elsewhere = 0;
    service.intercept = (incoming, response) => {
      if (incoming.url === '/elsewhere') elsewhere += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
      return true;
    };
    expect(await failureOf(run())).toMatchObject({ type: 'INVALID_JOB_RESULT', nonRetryable: true });
    expect(elsewhere).toBe(0);
  });
});
