import { Readable } from 'node:stream';

import type { EvaluateRequest, TrainRequest } from '../../contracts/jobs';
import { openTestApp, type TestApp } from '../../testing/app';
import { createDataset, createPerson, createTask, type Person } from '../../testing/factories';
import { evaluateResult, trainResult } from '../../testing/job-results';

let app: TestApp;
let owner: Person;
let now = new Date();
beforeAll(async () => {
  app = await openTestApp({ clock: () => now });
  owner = await createPerson(app);
});
afterAll(() => app.close());

const event = (taskId: string, seq: number, status: string) =>
  app.db.taskEvent.create({ data: { taskId, seq, type: 'task.status', payload: { taskId, status } } });

/** Opens a stream; `read` answers with all its text once it holds `enough`, or has ended. */
async function openEvents(taskId: string, headers: Record<string, string> = {}, { token } = owner) {
  const leave = new AbortController();
  const response = await fetch(`${app.url}/api/tasks/${taskId}/events`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: leave.signal,
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  const reader = response.body?.getReader();
  const read = async (enough: RegExp): Promise<string> => {
    while (reader && !enough.test(text)) {
      const { done, value } = await reader.read();
      if (done) break;
      text += Buffer.from(value).toString();
    }
    return text;
  };
  return { read, leave: () => leave.abort() };
}

/** Reads a stream until `enough` of its text is there, then leaves. */
async function readEvents(taskId: string, enough: RegExp, headers: Record<string, string> = {}): Promise<string> {
  const stream = await openEvents(taskId, headers);
  const text = await stream.read(enough);
  stream.leave();
  return text;
}

describe('events', () => {
  test('replays what is there, goes on live, and ends with the task', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'OPTIMIZING' });
    await event(taskId, 1, 'OPTIMIZING');
    const reading = readEvents(taskId, /never/);
    await event(taskId, 2, 'TRAINING');
    await app.db.mlTask.update({ where: { taskId }, data: { status: 'COMPLETED' } });
    await event(taskId, 3, 'COMPLETED');
    const text = await reading;
    expect([...text.matchAll(/"status":"(\w+)"/g)].map((match) => match[1]).slice(0, 2)).toEqual([
      'OPTIMIZING',
      'TRAINING',
    ]);
    expect(text).toMatch(/^id: \d+\nevent: task\.status\ndata: \{.*"seq":1.*\}\n\n/m);
  });

  test('a client that comes back gets what it missed, and 204 when there is nothing more to come', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'COMPLETED' });
    const first = await event(taskId, 1, 'OPTIMIZING');
    const last = await event(taskId, 2, 'COMPLETED');
    const text = await readEvents(taskId, /never/, { 'last-event-id': String(first.id) });
    expect(text).not.toContain('OPTIMIZING');
    expect(text).toContain('COMPLETED');
    const done = await owner.client.get(`/api/tasks/${taskId}/events`, {
      headers: { 'last-event-id': String(last.id) },
    });
    expect(done.status).toBe(204);
  });

  test('of a long history none is left out, though the task has ended', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'COMPLETED' });
    const all = Array.from({ length: 450 }, (_, index) => index + 1);
    await app.db.taskEvent.createMany({
      data: all.map((seq) => ({ taskId, seq, type: 'task.updated', payload: { taskId, seq } })),
    });
    const text = await readEvents(taskId, /never/);
    expect([...text.matchAll(/^data: .*"seq":(\d+)/gm)].map((match) => Number(match[1]))).toEqual(all);
  });

  test('an id that is none counts as none, and another task’s events are never among them', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'FAILED' });
    const other = await createTask(app.db, owner.userId);
    await event(other.taskId, 1, 'OPTIMIZING');
    await event(taskId, 1, 'FAILED');
    const text = await readEvents(taskId, /never/, { 'last-event-id': "1' OR 1=1" });
    expect([...text.matchAll(/"status":"(\w+)"/g)].map((match) => match[1])).toEqual(['FAILED']);
  });
});

describe('a stream of a running task ends at once', () => {
  const revoked = (userId: number) => app.db.session.updateMany({ where: { userId }, data: { revokedAt: new Date() } });

  test.each<[string, (reader: Person, admin: Person) => Promise<unknown>]>([
    ['when its reader logs out', ({ client }) => client.post('/api/auth/logout')],
    [
      'when its reader is disabled',
      ({ userId }, admin) => admin.client.patch(`/api/users/${userId}`, { disabled: true }),
    ],
    [
      'when its reader loses the role that let them see it',
      ({ userId }, admin) => admin.client.patch(`/api/users/${userId}`, { role: 'USER' }),
    ],
    ['when the login is revoked', ({ userId }) => revoked(userId)],
    ['when the token lapses', async () => (now = new Date(Date.now() + 901_000))],
  ])('%s', async (_case, end) => {
    const [reader, admin] = [await createPerson(app, 'ADMIN'), await createPerson(app, 'ADMIN')];
    const { taskId } = await createTask(app.db, owner.userId, { status: 'TRAINING' });
    await event(taskId, 1, 'TRAINING');
    const stream = await openEvents(taskId, {}, reader);
    await stream.read(/TRAINING/);
    try {
      await end(reader, admin);
      expect(await stream.read(/EVALUATING/)).not.toContain('EVALUATING');
    } finally {
      now = new Date();
      stream.leave();
    }
  });
});

async function taskWithHistory() {
  const task = await createTask(app.db, owner.userId, {
    status: 'COMPLETED',
    taskName: '<script>alert(1)</script>',
    metricInfo: { name: 'accuracy', higherIsBetter: true },
    championIteration: 0,
  });
  const base = {
    taskId: task.taskId,
    iteration: 0,
    status: 'completed',
    startedAt: new Date(),
    completedAt: new Date(),
  } as const;
  const request: unknown = { jobKey: `${task.taskId}/0/x/0`, outputPrefix: 'models/x/0/s0/', purpose: 'iteration' };
  const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as object;
  await app.db.taskExecution.create({
    data: { ...base, phase: 'training', details: json(trainResult(request as TrainRequest)) },
  });
  await app.db.taskExecution.create({
    data: { ...base, phase: 'evaluation', score: 0.5, details: json(evaluateResult(request as EvaluateRequest, 0.5)) },
  });
  return task;
}

test('metrics give score, interval and loss curve by iteration', async () => {
  const { taskId } = await taskWithHistory();
  const { status, body } = await owner.client.get(`/api/tasks/${taskId}/metrics`);
  expect([status, body.metric]).toEqual([200, { name: 'accuracy', higherIsBetter: true }]);
  expect(body.iterations).toEqual([
    expect.objectContaining({
      iteration: 0,
      score: 0.5,
      low: expect.any(Number),
      high: expect.any(Number),
      lossCurve: expect.any(Array),
    }),
  ]);
});

test('executions come in the order they were started, page by page', async () => {
  const { taskId } = await taskWithHistory();
  const first = await owner.client.get(`/api/tasks/${taskId}/executions?limit=1`);
  const second = await owner.client.get(`/api/tasks/${taskId}/executions?limit=1&cursor=${first.body.nextCursor}`);
  expect([first, second].map(({ body }) => body.items[0].phase)).toEqual(['training', 'evaluation']);
  expect(second.body.nextCursor).toBeNull();
});

test('the page says beside the sealed score what the evaluator noted of it, and how many rows chance tells in other words', async () => {
  const { taskId } = await taskWithHistory();
  const contamination = { checked: 300, exact: 0, near: 0, paraphrases: 0, excluded: 0, made: 0, byChance: 284 };
  const scored = { score: 1, low: 0.987, high: 1, samples: 300, unscored: 0, reads: 1, iteration: 0, contamination };
  const evaluationPath = `evaluations/${taskId}/final/s0/attempt-1/report.json`;
  await app.db.mlTask.update({ where: { taskId }, data: { testResult: { ...scored, evaluationPath } } });
  const page = async () =>
    (await owner.client.get(`/api/tasks/${taskId}/report`, { headers: { accept: 'text/html' } })).text;
  expect(await page()).not.toContain('Notes on the sealed score');
  const notes = JSON.stringify({ notes: ['284 test rows are told in other words by training rows.'] });
  await app.store.upload(evaluationPath, Readable.from([notes]), 'application/json').done;
  const told = await page();
  expect(told).toContain('Training rows tell 284 of 300 sealed rows in other words');
  expect(told).toMatch(
    /Notes on the sealed score.*<li>284 test rows are told in other words by training rows\.<\/li>/s,
  );
});

test('the report names every file that the task was given, with the hash of its bytes', async () => {
  const files = await Promise.all(
    ['training', 'test', 'pool'].map(async (file, number) => {
      const { datasetId } = await createDataset(app.db, owner.userId);
      const sha256 = String(number).repeat(64);
      await app.db.dataset.update({ where: { datasetId }, data: { sha256 } });
      return { file, datasetId, sha256 };
    }),
  );
  const [datasetId, testDatasetId, poolDatasetId] = files.map((one) => one.datasetId);
  const { taskId } = await createTask(app.db, owner.userId, { datasetId, testDatasetId, poolDatasetId });
  const { lineage } = (await owner.client.get(`/api/tasks/${taskId}/report`)).body;
  expect(lineage).toMatchObject({ datasetSha256: '0'.repeat(64), files });
});

test('an evaluation is what the evaluator wrote, byte for byte, of the last segment or of the sealed test', async () => {
  const { taskId } = await taskWithHistory();
  const at = (iteration: string) => owner.client.get(`/api/tasks/${taskId}/evaluations/${iteration}`);
  const written = (purpose: string, role: string, total: number) =>
    JSON.stringify(
      {
        ...{ purpose, role, iteration: 0, score: { value: 0.5, low: 0.4, high: 0.6, samples: 80 } },
        ...{ notes: [], slices: [], badCases: { total, shown: [] } },
      },
      null,
      1,
    );
  const put = async (folder: string, text: string) => {
    const key = `evaluations/${taskId}/${folder}/attempt-1/report.json`;
    await app.store.upload(key, Readable.from([text]), 'application/json').done;
    return key;
  };
  const first = written('iteration', 'select', 3);
  const evaluationPath = await put('0/s0', first);
  await app.db.taskExecution.updateMany({ where: { taskId, phase: 'evaluation' }, data: { evaluationPath } });
  const { status, text, headers } = await at('0');
  expect([status, text, headers.get('content-type')]).toEqual([
    200,
    first,
    expect.stringMatching(/^application\/json/),
  ]);
  const newest = written('iteration', 'select', 2);
  const segment = { taskId, iteration: 0, phase: 'evaluation', segment: 1, status: 'completed' } as const;
  const data = { ...segment, startedAt: new Date(), evaluationPath: await put('0/s1', newest) };
  await app.db.taskExecution.create({ data });
  expect((await at('0')).text).toBe(newest);
  const sealed = written('final', 'test', 0);
  const testResult = { score: 1, evaluationPath: await put('final/s0', sealed) };
  await app.db.mlTask.update({ where: { taskId }, data: { testResult } });
  expect((await at('final')).text).toBe(sealed);
});

test('where there is no evaluation the answer says whether there was one, and what an iteration is', async () => {
  const { taskId } = await taskWithHistory();
  const at = async (iteration: string) => {
    const { status, body } = await owner.client.get(`/api/tasks/${taskId}/evaluations/${iteration}`);
    return [status, body.error.message, body.error.details?.fields];
  };
  expect(await at('0')).toEqual([404, expect.stringContaining('iteration 0 has not been evaluated'), undefined]);
  expect(await at('final')).toEqual([404, expect.stringContaining('the sealed test rows have not been'), undefined]);
  const evaluationPath = `evaluations/${taskId}/0/s0/attempt-1/report.json`;
  await app.db.taskExecution.updateMany({ where: { taskId, phase: 'evaluation' }, data: { evaluationPath } });
  expect(await at('0')).toEqual([503, expect.stringContaining('cannot be found in the object store'), undefined]);
  const message = 'must be the number of an iteration, or final';
  for (const wrong of ['-1', '1.5', 'last', '1e9', '00'])
    expect(await at(wrong)).toEqual([422, expect.anything(), [{ field: 'iteration', message }]]);
});

test('the report is JSON, and for a browser one page that can run nothing', async () => {
  const { taskId } = await taskWithHistory();
  const json = await owner.client.get(`/api/tasks/${taskId}/report`);
  expect(json.body.iterations[0]).toMatchObject({ iteration: 0, score: 0.5 });
  const page = await owner.client.get(`/api/tasks/${taskId}/report`, { headers: { accept: 'text/html,*/*;q=0.8' } });
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/);
  expect(page.text).toContain('&lt;script&gt;alert(1)');
  expect(page.text).not.toContain('<script>alert');
});
