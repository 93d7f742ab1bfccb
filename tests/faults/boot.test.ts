/** Processes come up while what they need is away, in any order. */
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { seededRandom } from '../../tools/faults/seeded-random.cjs';
import { stackProcess, waitFor } from '../system/support/client';
import { cut, heal, isBack, kill, LINKS, PROCESSES, sleep, type Service } from './support/faults';
import { faultTests, person } from './support/setup';
import { executions, figure, jobOf, jobs, LONG, ONE_PASS, SHORT } from './support/world';

/** Decides the order in which processes are restarted; printed with it, and given again to make the same order again. */
const SEED = Number(process.env.WLOPS_TEST_SEED ?? Date.now() % 1_000_000);

faultTests();

/** Until the worker has asked for a job that failed, and its workflow waits. */
const HEARD_OF_MS = 1500;
/** What the wait after a fault is followed by, each once. */
const AFTER_A_FAULT = ['optimization/1 completed', 'training/0 completed', 'evaluation/0 completed'];

type Ours = 'api' | 'worker' | Service;

/** How much a process has logged so far, in bytes. Its log goes on where it is started again. */
const logged = (name: Ours): number => statSync(stackProcess(name).logFile, { throwIfNoEntry: false })?.size ?? 0;

/**
 * What a process says of its waiting: in the answer of its readiness, or, where it does not listen before it is ready, in its log, of
 * which the first `skipped` bytes are from before.
 */
async function whyNotReady(name: Ours, skipped: number): Promise<string> {
  const { url, logFile } = stackProcess(name);
  const reply = await fetch(`${url}/readyz`).catch(() => null);
  if (reply?.status === 503) return reply.text();
  if (reply) throw new Error(`${name} answers ${reply.status}`);
  return (
    readFileSync(logFile)
      .subarray(skipped)
      .toString()
      .trimEnd()
      .split('\n')
      .findLast((line) => line.includes('waiting for')) ?? ''
  );
}

test('F35 our processes start while every server is away: they wait and say for what, and are ready soon after', async () => {
  for (const link of LINKS) await cut(link);
  const ours = ['api', 'worker', 'optimizer', 'trainer', 'evaluator'] as const;
  const before = new Map(ours.map((name) => [name, stackProcess(name).pid]));
  const skipped = new Map<Ours, number>();
  for (const name of ours) {
    await kill(name);
    skipped.set(name, logged(name));
  }
  await sleep(8000);
  const pids = new Map(ours.map((name) => [name, stackProcess(name).pid]));
  for (const name of ours) {
    expect(pids.get(name)).not.toBe(before.get(name));
    expect(await whyNotReady(name, skipped.get(name) ?? 0)).toMatch(/database|bucket|storage|store|Temporal|polling/i);
  }
  await sleep(3000);
  // None of them has died meanwhile for want of a server.
  for (const name of ours) expect(stackProcess(name).pid).toBe(pids.get(name));
  await heal();
  const healedAt = Date.now();
  for (const name of ours) figure(`${name} ready after its servers`, await isBack(name, healedAt));
  expect(Date.now() - healedAt).toBeLessThan(10_000);
});

test.each([1, 2, 3])(
  'F35 all processes restarted in a random order (%i): all come back, and a task completes',
  async (round) => {
    const random = seededRandom(SEED + round);
    const order = PROCESSES.map((name) => ({ name, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ name }) => name);
    process.stdout.write(`    WLOPS_TEST_SEED=${SEED} order: ${order.join(', ')}\n`);
    for (const name of order) {
      await kill(name);
      await sleep(random() * 1000);
    }
    await waitFor('the API', 60, async () =>
      (await person.client.get('/api/tasks').catch(() => null))?.status === 200 ? true : null,
    );
    await person.completed(await person.start(SHORT));
  },
);

test('F32 a wait that ends while Temporal is away: it goes on once Temporal is back, and once only', async () => {
  // An object store that is away makes the optimizer fail; the next segment waits five seconds, in which Temporal goes away. The row of
  // the first says that it failed when the wait is over: its job says it before.
  await cut('optimizer→s3');
  const taskId = await person.start(SHORT);
  await waitFor('the first segment to fail', 120, async () =>
    jobs('optimizer').some((job) => job.taskId === taskId && job.state === 'failed') ? true : null,
  );
  await sleep(HEARD_OF_MS);
  for (const link of ['api→temporal', 'worker→temporal'] as const) await cut(link);
  await kill('temporal');
  const segments = () => jobs('optimizer').filter((job) => job.taskId === taskId);
  await sleep(8000);
  expect(segments()).toHaveLength(1);
  await heal();
  await person.completed(taskId);
  expect(segments().map(({ segment, state }) => `${segment} ${state}`)).toEqual(['0 failed', '1 succeeded']);
  expect(await executions(taskId)).toEqual(['optimization/0 failed', ...AFTER_A_FAULT]);
}, 300_000);

test('F21 four busy loops on the processors: no live job is taken for dead, no attempt is made twice', async () => {
  const loops = Array.from({ length: 4 }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
  try {
    const taskId = await person.start(LONG);
    await person.completed(taskId, 240);
    expect(await executions(taskId)).toEqual(ONE_PASS);
    expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 1 });
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
}, 300_000);
