/** Connections break, go silent in one direction, lose replies, or are slow; every process lives. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  blackhole,
  cut,
  DATA_DIR,
  heal,
  hurt,
  LINKS,
  SERVICES,
  sleep,
  type Link,
  type Service,
} from './support/faults';
import { stackProcess, waitFor, type Reply } from '../system/support/client';
import { faultTests, person, reference } from './support/setup';
import {
  executions,
  figure,
  gapMs,
  jobOf,
  jobs,
  LONG,
  NEXT_STATUS_MS,
  ONE_PASS,
  resultOf,
  SHORT,
  VERY_LONG,
} from './support/world';

/** Longer than an activity may be silent before Temporal gives it to another. */
const PAST_HEARTBEAT_MS = 20_000;

faultTests({ withReference: true });

/** By what a connection is used all the time: the service that works when it is parted. */
const workerOf = (link: Link): Service => SERVICES.find((service) => link.includes(service)) ?? 'trainer';
const PHASE_OF = { optimizer: 'optimization', trainer: 'training', evaluator: 'evaluation' } as const;
/** Connections that a job needs to end, and that its task needs to know of that. */
const OF_JOBS = LINKS.filter((link) => /→(optimizer|trainer|evaluator)$|^(optimizer|trainer|evaluator)→/.test(link));

test.each(LINKS.filter((link) => !link.startsWith('api') && link !== 'worker→s3'))(
  'F14 %s parted for five seconds of the phase that uses it: whoever it concerns tries again, and the task completes',
  async (link: Link) => {
    const service = workerOf(link);
    const taskId = await person.start(LONG);
    await person.working(taskId, service);
    await blackhole(link);
    // Else the connection was parted too late to be missed.
    expect(jobOf(service, taskId, PHASE_OF[service]).state).toBe('running');
    await sleep(5000);
    if (OF_JOBS.includes(link)) expect(await executions(taskId)).toContain(`${PHASE_OF[service]}/0 running`);
    await heal();
    const healedAt = Date.now();
    await person.completed(taskId);
    expect(await resultOf(taskId)).toEqual(reference);
    const next = { optimizer: 'TRAINING', trainer: 'EVALUATING', evaluator: 'COMPLETED' }[service];
    const gap = await gapMs(taskId, service, service === 'evaluator' ? 'final' : PHASE_OF[service], next, healedAt);
    figure(`${link} healed, to the next status`, gap);
    expect(gap).toBeLessThan(NEXT_STATUS_MS);
  },
);

test('F14 worker→s3 parted while a task ends: it completes, and its report is there once the connection is', async () => {
  const taskId = await person.start(SHORT);
  await person.working(taskId, 'evaluator');
  await blackhole('worker→s3');
  await person.completed(taskId);
  await sleep(5000);
  // As the object store keeps it: who asks the API is answered from the rows.
  const isWritten = () => existsSync(path.join(DATA_DIR, 's3/wlops/evaluations', taskId, 'report.html'));
  expect(isWritten()).toBe(false);
  await heal();
  const healedAt = Date.now();
  await waitFor('the report', 60, async () => isWritten() || null);
  figure('worker→s3 healed, to the report', Date.now() - healedAt);
});

interface Asked {
  /** A request that the API cannot answer without this connection. */
  ask: () => Promise<Reply>;
  /** How it is answered while the connection is whole. */
  whole: number;
  /** The longest that it may take while nothing passes. Undefined: as long as the silence. */
  silentMs?: number;
}

/** The connections of the API. Each has its own time after which an answer is no longer waited for. */
const ASKED: [Link, (taskId: string) => Asked][] = [
  ['api→postgres', () => ({ ask: () => person.client.get('/api/tasks'), whole: 200, silentMs: 15_000 })],
  [
    'api→temporal',
    (taskId) => ({ ask: () => person.client.post(`/api/tasks/${taskId}/pause`), whole: 202, silentMs: 12_000 }),
  ],
  ['api→s3', () => ({ ask: () => person.client.get(`/api/datasets/${person.datasetId}/download`), whole: 200 })],
  [
    'api→trainer',
    () => ({ ask: () => person.client.post('/api/tasks/standard', UNLISTED()), whole: 422, silentMs: 13_000 }),
  ],
];
/** A model that only the trainer can know. */
const UNLISTED = () => ({ ...SHORT, taskName: 'unlisted', datasetId: person.datasetId, modelName: 'local:nowhere' });
/** An answer that needs no time-out, on a machine that does other work. */
const AT_ONCE_MS = 5000;

/** Until a connection is made again: who finds it broken waits before each new try. */
const USED_AGAIN_MS = 10_000;

/** Three requests, a second apart: how each was answered, and after how long. */
const thrice = (ask: () => Promise<Reply>): Promise<{ status: number; ms: number }[]> =>
  Promise.all(
    [0, 1000, 2000].map(async (delay) => {
      await sleep(delay);
      const at = Date.now();
      const { status } = await ask();
      return { status, ms: Date.now() - at };
    }),
  );

test.each(ASKED)(
  'F14 %s refused, then silent: who needs it is answered 503 in time, tasks go on, and it is used again soon',
  async (link, asked) => {
    const taskId = await person.start(VERY_LONG);
    await person.working(taskId, 'trainer');
    const { ask, whole, silentMs } = asked(taskId);
    const usedAgain = async (after: string) => {
      await heal();
      const healedAt = Date.now();
      await waitFor('an answer as before', 30, async () => ((await ask()).status === whole ? true : null));
      figure(`${link} ${after} and healed, to an answer as before`, Date.now() - healedAt);
      expect(Date.now() - healedAt).toBeLessThan(USED_AGAIN_MS);
    };

    await cut(link);
    const refused = await thrice(ask);
    figure(`${link} refused: the longest answer`, Math.max(...refused.map(({ ms }) => ms)));
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503]);
    for (const { ms } of refused) expect(ms).toBeLessThan(AT_ONCE_MS);
    // A task is paused once: what comes back of it is asked for in the end.
    if (link === 'api→temporal') await heal();
    else await usedAgain('refused');

    await blackhole(link);
    const asking = thrice(ask);
    if (silentMs === undefined) {
      await sleep(5000);
      await heal();
    }
    const silent = await asking;
    figure(`${link} silent: the longest answer`, Math.max(...silent.map(({ ms }) => ms)));
    for (const { status, ms } of silent) {
      expect(silentMs === undefined ? [whole, 503] : [503]).toContain(status);
      expect(ms).toBeLessThan(silentMs ?? 5000 + AT_ONCE_MS);
    }
    await usedAgain('silent');

    if (link === 'api→temporal') {
      await person.when(taskId, ({ status }) => status === 'SUSPENDED', 60);
      await person.ask(`/api/tasks/${taskId}/resume`);
    }
    await person.completed(taskId, 180);
    const attempts = jobs('trainer')
      .filter((job) => job.taskId === taskId)
      .map(({ attempt }) => attempt);
    // On a fast machine the training is over before the pause gets through.
    expect(link === 'api→temporal' ? [[1], [1, 1]] : [[1]]).toContainEqual(attempts);
  },
  300_000,
);

test('F14 everything but the services parted from the object store for thirty seconds: the task completes', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  for (const link of ['trainer→s3', 'evaluator→s3', 'optimizer→s3'] as const) await blackhole(link);
  await sleep(30_000);
  await heal();
  await person.completed(taskId, 180);
  expect(await resultOf(taskId)).toEqual(reference);
}, 300_000);

test('F15 worker reaches the trainer but not Temporal, past the heartbeat: one job, one commit', async () => {
  const taskId = await person.start(VERY_LONG);
  await person.working(taskId, 'trainer');
  await blackhole('worker→temporal');
  await sleep(PAST_HEARTBEAT_MS);
  await heal();
  await person.completed(taskId, 180);
  expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 1 });
  expect(await executions(taskId)).toEqual(ONE_PASS);
}, 300_000);

test.each([
  ['worker→optimizer', 'optimizer'],
  ['worker→trainer', 'trainer'],
  ['worker→evaluator', 'evaluator'],
  ['worker→postgres', 'optimizer'],
] as const)('F16 %s loses the replies of what it did: done once all the same', async (link, service) => {
  // What is sent arrives; the connection is reset before the answer.
  await hurt(link, { type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } });
  const taskId = await person.start(SHORT);
  await person.working(taskId, service);
  await sleep(2000);
  await heal();
  await person.completed(taskId);
  expect(await executions(taskId)).toEqual(ONE_PASS);
});

test('F16 worker→temporal loses replies while a job runs: done once all the same', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await hurt('worker→temporal', { type: 'reset_peer', attributes: { timeout: 0 } });
  await sleep(3000);
  await heal();
  await person.completed(taskId);
  expect(await executions(taskId)).toEqual(ONE_PASS);
});

test('F16 trainer→s3 loses replies for longer than it tries: another segment at most, and the same weights', async () => {
  await hurt('trainer→s3', { type: 'reset_peer', attributes: { timeout: 0 } });
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await sleep(3000);
  await heal();
  await person.completed(taskId);
  expect(jobOf('trainer', taskId, 'training').segment).toBeLessThanOrEqual(1);
  expect(await resultOf(taskId)).toEqual(reference);
});

test('F16 replies lost while a training ends and while it is cancelled: the job is over once, and the task ends', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await hurt('worker→trainer', { type: 'reset_peer', attributes: { timeout: 0 } });
  await person.ask(`/api/tasks/${taskId}/cancel`);
  await sleep(3000);
  await heal();
  await person.when(taskId, ({ status }) => status === 'CANCELLED', 60);
  expect(['cancelled', 'succeeded']).toContain(jobOf('trainer', taskId, 'training').state);
});

test('F17 every connection slow: health answers at once, the API answers or says 503, and no live training is taken for dead', async () => {
  for (const link of LINKS.filter((one) => one !== 'temporal→postgres')) {
    await hurt(link, { type: 'latency', attributes: { latency: 250, jitter: 250 } });
    await hurt(link, { type: 'slicer', attributes: { average_size: 2000, size_variation: 1000, delay: 100 } });
  }
  for (const link of ['trainer→s3', 'optimizer→s3', 'evaluator→s3'] as const)
    await hurt(link, { type: 'bandwidth', attributes: { rate: 100 } });
  const taskId = await person.start(LONG);
  const api: number[] = [];
  const health: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    const at = Date.now();
    const reply = await person.client.get(`/api/tasks/${taskId}`);
    if (reply.status !== 503) api.push(Date.now() - at);
    expect([200, 503]).toContain(reply.status);
    const from = Date.now();
    expect((await fetch(`${stackProcess('api').url}/livez`)).status).toBe(200);
    health.push(Date.now() - from);
    await sleep(100);
  }
  figure('slow connections: longest answer of the API', Math.max(...api));
  figure('slow connections: longest answer of its health', Math.max(...health));
  expect(Math.max(...api)).toBeLessThan(5000);
  expect(health.sort((a, b) => a - b)[Math.floor(health.length * 0.9)]).toBeLessThan(100);
  await person.completed(taskId, 240);
  expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 1 });
  expect(await resultOf(taskId)).toEqual(reference);
}, 400_000);
