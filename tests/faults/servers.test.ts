/** Temporal, PostgreSQL, the object store and the API die while people ask and tasks work. */
import { randomBytes } from 'node:crypto';
import { smallFile } from '../../tools/faults/small-file.cjs';
import { waitFor, type Json } from '../system/support/client';
import { cut, heal, isBack, kill, sleep } from './support/faults';
import { faultTests, person } from './support/setup';
import { enteredAt, figure, gapMs, jobOf, LONG, query, resultOf, SHORT } from './support/world';

/** What the API may answer while a server it needs is away. */
const ALLOWED = [200, 201, 202, 409, 503];
/** Two seconds, and as much again for a machine that restarts a server meanwhile. */
const ANSWER_MS = 4_000;

faultTests();

async function timed(
  call: Promise<{ status: number; body: Json }>,
): Promise<{ status: number; body: Json; ms: number }> {
  const at = Date.now();
  const reply = await call;
  return { status: reply.status, body: reply.body, ms: Date.now() - at };
}

test.each([0, 5, 15, 30, 60, 120, 250, 500])(
  'F1 API killed %i ms after a creating call: the same key makes one task, and its start is carried out',
  async (delay) => {
    const key = `f1-${delay}-${randomBytes(6).toString('hex')}`;
    const body = { ...SHORT, taskName: key, datasetId: person.datasetId };
    const create = () =>
      person.client.request('POST', '/api/tasks/standard', body, { 'idempotency-key': key }).catch(() => null);
    const [first] = await Promise.all([create(), sleep(delay).then(() => kill('api'))]);
    const answer = await waitFor('an answer with the same key', 60, async () => {
      const reply = await create();
      return reply && reply.status === 201 ? reply : null;
    });
    if (first?.status === 201) expect(answer.body).toEqual(first.body);
    const rows = await query('SELECT task_id FROM ml_tasks WHERE task_name = $1', [key]);
    expect(rows.map((row) => row.task_id)).toContain(answer.body.taskId);
    const { taskId } = answer.body;
    await Promise.all([
      person.client.post(`/api/tasks/${taskId}/start`).catch(() => null),
      sleep(delay).then(() => kill('api')),
    ]);
    const [{ start_requested_at: asked }] = await query('SELECT start_requested_at FROM ml_tasks WHERE task_id = $1', [
      taskId,
    ]);
    if (asked === null) await person.ask(`/api/tasks/${taskId}/start`);
    await person.completed(taskId, 90);
  },
);

test('F1 API killed in the middle of an upload: no data set without its bytes, and a retry works', async () => {
  const content = Buffer.from(smallFile({ rows: 40 }) + `"${'x'.repeat(1000)}",refund\n`.repeat(20_000));
  let calls = 0;
  const upload = () => {
    calls += 1;
    return person.client.upload(content, { name: 'large', datasetType: 'training' }).catch(() => null);
  };
  const [first] = await Promise.all([upload(), sleep(60).then(() => kill('api'))]);
  const again = await waitFor('an upload', 60, upload);
  const rows = await query(`SELECT dataset_id, file_size::int FROM datasets WHERE name = 'large'`);
  const ids = rows.map((row) => row.dataset_id);
  for (const answered of first ? [first, again] : [again]) expect(ids).toContain(answered.datasetId);
  // A call without an answer may have made its row, and no more than that; its bytes are the checker's to compare.
  expect(rows.length).toBeLessThanOrEqual(calls);
  expect(rows.map((row) => row.file_size)).toEqual(rows.map(() => content.length));
});

test.each([0, 5, 20])(
  'F8 Temporal killed and away for %i s: the API never answers 500, jobs run on, tasks go on',
  async (seconds) => {
    const taskId = await person.start(LONG);
    await person.working(taskId, 'trainer');
    const other = await person.client.must('/api/tasks/standard', {
      ...SHORT,
      taskName: 'queued intent',
      datasetId: person.datasetId,
    });
    if (seconds > 0) for (const link of ['api→temporal', 'worker→temporal'] as const) await cut(link);
    await kill('temporal');
    const start = await timed(person.client.post(`/api/tasks/${other.taskId}/start`));
    const pause = await timed(person.client.post(`/api/tasks/${taskId}/pause`));
    expect(ALLOWED).toContain(start.status);
    expect(ALLOWED).toContain(pause.status);
    figure('start while Temporal is away, answered', start.ms);
    expect(Math.max(start.ms, pause.ms)).toBeLessThan(ANSWER_MS);
    if (pause.status < 300) await person.ask(`/api/tasks/${taskId}/resume`);
    await sleep(seconds * 1000);
    await heal();
    const healedAt = Date.now();
    await Promise.all([person.completed(taskId), person.completed(other.taskId)]);
    expect(jobOf('trainer', taskId, 'training').segment).toBeLessThanOrEqual(1);
    figure('Temporal back, to the queued start', (await enteredAt(other.taskId, 'OPTIMIZING')) - healedAt);
  },
  240_000,
);

test('F9 PostgreSQL killed every five seconds under ten tasks: 503 with a time to come back, and nothing acknowledged is lost', async () => {
  const answers: { status: number; ms: number; retryAfter: string | null }[] = [];
  const acknowledged: string[] = [];
  let going = true;
  const asking = (async () => {
    while (going) {
      const at = Date.now();
      const reply = await person.client
        .post('/api/tasks/standard', { ...SHORT, taskName: 'storm', datasetId: person.datasetId })
        .catch(() => null);
      if (reply)
        answers.push({ status: reply.status, ms: Date.now() - at, retryAfter: reply.headers.get('retry-after') });
      if (reply?.status === 201 && acknowledged.push(reply.body.taskId as string) <= 10)
        await person.ask(`/api/tasks/${reply.body.taskId}/start`);
      await sleep(300);
    }
  })();
  for (let round = 0; round < 6; round += 1) {
    await sleep(5000);
    await kill('postgres');
  }
  await sleep(3000);
  going = false;
  await asking;
  const statuses = new Set(answers.map(({ status }) => status));
  expect([...statuses].filter((status) => ![201, 503].includes(status))).toEqual([]);
  for (const { status, retryAfter } of answers) if (status === 503) expect(Number(retryAfter)).toBeGreaterThan(0);
  figure('longest answer while PostgreSQL is killed', Math.max(...answers.map(({ ms }) => ms)));
  const rows = await query('SELECT task_id FROM ml_tasks WHERE task_id = ANY($1)', [acknowledged]);
  expect(rows).toHaveLength(acknowledged.length);
  await Promise.all(acknowledged.slice(0, 10).map((taskId) => person.completed(taskId, 240)));
}, 400_000);

test('F10 the object store killed in the middle of an upload: no data set without its bytes, and a retry works', async () => {
  const content = Buffer.from(`text,label\n${`"${'y'.repeat(1000)}",refund\n`.repeat(30_000)}`);
  const fields = { name: 'cut short', datasetType: 'training' };
  const [first] = await Promise.all([
    person.client.upload(content, fields).catch((error: Error) => error),
    sleep(80).then(() => kill('s3')),
  ]);
  if (first instanceof Error) expect(first.message).toMatch(/→ 503/);
  const again = await waitFor('an upload', 60, () => person.client.upload(content, fields).catch(() => null));
  expect(again.fileSize).toBe(content.length);
});

test.each(['optimizer', 'trainer', 'evaluator'] as const)(
  'F10 the object store killed while the %s works: the task completes',
  async (service) => {
    const taskId = await person.start(service === 'trainer' ? LONG : SHORT);
    await person.working(taskId, service);
    const killedAt = await kill('s3');
    await isBack('s3', killedAt);
    await person.completed(taskId);
  },
);

test('F18 every connection of the database ended by its server: the API answers again at once, the task goes on', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('wlops', 'temporal') AND pid <> pg_backend_pid()`,
  );
  const endedAt = Date.now();
  await waitFor('the API to answer', 15, async () =>
    (await person.client.get('/api/tasks').catch(() => null))?.status === 200 ? true : null,
  );
  figure('connections ended, to an answer', Date.now() - endedAt);
  await person.completed(taskId);
  expect(await gapMs(taskId, 'trainer', 'training', 'EVALUATING', endedAt)).toBeLessThan(15_000);
  expect((await resultOf(taskId)).length).toBe(2);
});
