/** Connections break, go silent in one direction, lose replies, or are slow; every process lives. */
import { blackhole, heal, hurt, LINKS, sleep, type Link } from './support/faults';
import { stackProcess } from '../system/support/client';
import { faultTests, person, reference } from './support/setup';
import {
  executions,
  figure,
  gapMs,
  jobOf,
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

test.each(LINKS)(
  'F14 %s parted for five seconds: whoever it concerns tries again, and the task completes',
  async (link: Link) => {
    const taskId = await person.start(LONG);
    await person.working(taskId, link.startsWith('optimizer') || link.endsWith('optimizer') ? 'optimizer' : 'trainer');
    await blackhole(link);
    await sleep(5000);
    await heal();
    const healedAt = Date.now();
    await person.completed(taskId);
    expect(await resultOf(taskId)).toEqual(reference);
    const gap = await gapMs(taskId, 'trainer', 'training', 'EVALUATING', healedAt);
    figure(`${link} healed, to the next status`, gap);
    expect(gap).toBeLessThan(NEXT_STATUS_MS);
  },
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
