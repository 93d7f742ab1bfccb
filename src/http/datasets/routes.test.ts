import { Readable } from 'node:stream';
import { openTestApp, type TestApp } from '../../testing/app';
import { createDataset, createPerson, createTask, type Person } from '../../testing/factories';

let app: TestApp;
let owner: Person;
let other: Person;
let admin: Person;
let viewer: Person;
beforeAll(async () => {
  app = await openTestApp();
  [owner, other, admin, viewer] = [
    await createPerson(app),
    await createPerson(app),
    await createPerson(app, 'ADMIN'),
    await createPerson(app, 'VIEWER'),
  ];
});
afterAll(() => app.close());

const MISSING = 'dataset_aaaaaaaaaaaaaaaaaaaaaaaaaa';
const masked = ({ status, text, headers }: { status: number; text: string; headers: Headers }) => ({
  status,
  body: text.replace(/"requestId":"[^"]+"/, ''),
  length: headers.get('content-length'),
});

test.each(['', '/download', '/lineage', '/log', '/quarantine', '/label-issues'])(
  "another user's data set answers exactly like a missing one: GET %s",
  async (suffix) => {
    const { datasetId } = await createDataset(app.db, owner.userId);
    const foreign = await other.client.get(`/api/datasets/${datasetId}${suffix}`);
    const missing = await other.client.get(`/api/datasets/${MISSING}${suffix}`);
    expect(foreign.status).toBe(404);
    expect(masked(foreign)).toEqual(masked(missing));
  },
);

test("another user's data set cannot be deleted and answers exactly like a missing one", async () => {
  const { datasetId } = await createDataset(app.db, owner.userId);
  const foreign = await other.client.delete(`/api/datasets/${datasetId}`);
  expect(masked(foreign)).toEqual(masked(await other.client.delete(`/api/datasets/${MISSING}`)));
  expect((await owner.client.get(`/api/datasets/${datasetId}`)).status).toBe(200);
});

test('an administrator reads every data set', async () => {
  const { datasetId } = await createDataset(app.db, owner.userId);
  expect((await admin.client.get(`/api/datasets/${datasetId}`)).body.userId).toBe(owner.userId);
  expect((await admin.client.get(`/api/datasets/user/${owner.userId}`)).status).toBe(200);
});

test('the list of another user is missing, one’s own is there', async () => {
  const foreign = await other.client.get(`/api/datasets/user/${owner.userId}`);
  const missing = await other.client.get('/api/datasets/user/2147483000');
  expect([foreign.status, masked(foreign)]).toEqual([404, masked(missing)]);
  expect((await owner.client.get(`/api/datasets/user/${owner.userId}`)).status).toBe(200);
});

test('lists page by key: newest first, none twice, none lost, also while new ones come', async () => {
  const person = await createPerson(app);
  const made: string[] = [];
  for (let i = 0; i < 5; i += 1) made.push((await createDataset(app.db, person.userId)).datasetId);
  const first = await person.client.get('/api/datasets?limit=2');
  await createDataset(app.db, person.userId);
  const second = await person.client.get(`/api/datasets?limit=2&cursor=${first.body.nextCursor}`);
  const third = await person.client.get(`/api/datasets?limit=2&cursor=${second.body.nextCursor}`);
  const ids = [first, second, third].flatMap(({ body }) =>
    body.items.map((item: { datasetId: string }) => item.datasetId),
  );
  expect(ids).toEqual([...made].reverse());
  expect(third.body.nextCursor).toBeNull();
});

test.each([
  'limit=0',
  'limit=101',
  'limit=x',
  'limit=1&limit=2',
  'cursor=zzz',
  'cursor=LTE',
  `cursor=${Buffer.from('9223372036854775808').toString('base64url')}`,
  'datasetType=secret',
  'order=name',
])('the list refuses ?%s, naming it', async (query) => {
  const answer = await owner.client.get(`/api/datasets?${query}`);
  expect(answer.status).toBe(422);
  expect(answer.body.error.message).toContain(query.split('=')[0]);
});

test('a data set that a live task uses cannot be deleted; afterwards it can, and is gone', async () => {
  const { datasetId } = await createDataset(app.db, owner.userId);
  const task = await createTask(app.db, owner.userId, { datasetId });
  const refused = await owner.client.delete(`/api/datasets/${datasetId}`);
  expect([refused.status, refused.body.error.details]).toEqual([409, { taskIds: [task.taskId] }]);

  await app.db.mlTask.update({ where: { id: task.id }, data: { status: 'FAILED' } });
  expect((await owner.client.delete(`/api/datasets/${datasetId}`)).status).toBe(204);
  expect((await owner.client.get(`/api/datasets/${datasetId}`)).status).toBe(404);
  expect((await owner.client.delete(`/api/datasets/${datasetId}`)).status).toBe(404);
  const list = await owner.client.get('/api/datasets?limit=100');
  expect(list.body.items.some((item: { datasetId: string }) => item.datasetId === datasetId)).toBe(false);
});

test('deleting and creating a task at the same moment never leaves a live task without its data', async () => {
  for (let round = 0; round < 15; round += 1) {
    const { datasetId } = await createDataset(app.db, owner.userId);
    const body = { taskName: 'race', modelName: 'builtin:classifier', datasetId };
    const [created, deleted] = await Promise.all([
      owner.client.post('/api/tasks/standard', body),
      owner.client.delete(`/api/datasets/${datasetId}`),
    ]);
    expect([`${created.status} ${deleted.status}`]).toContainEqual(expect.stringMatching(/^(201 409|422 204)$/));
  }
});

test('lineage shows what it was made from, what was made from it and who uses it', async () => {
  const source = await createDataset(app.db, owner.userId);
  const made = await createDataset(app.db, owner.userId, {
    sourceDatasetId: source.datasetId,
    datasetType: 'optimized',
    isOptimized: true,
  });
  const task = await createTask(app.db, owner.userId, {
    datasetId: source.datasetId,
    currentDatasetId: made.datasetId,
  });
  const down = (await owner.client.get(`/api/datasets/${source.datasetId}/lineage`)).body;
  expect(down.derived.map((one: { datasetId: string }) => one.datasetId)).toEqual([made.datasetId]);
  expect(down.usedBy).toEqual([{ taskId: task.taskId, taskName: task.taskName, status: 'PENDING', role: 'training' }]);
  const up = (await owner.client.get(`/api/datasets/${made.datasetId}/lineage`)).body;
  expect(up.ancestors.map((one: { datasetId: string }) => one.datasetId)).toEqual([source.datasetId]);
  expect(up.usedBy[0].role).toBe('current');
});

test('a viewer reads but changes nothing', async () => {
  const { datasetId } = await createDataset(app.db, viewer.userId);
  expect((await viewer.client.get(`/api/datasets/${datasetId}`)).status).toBe(200);
  expect((await viewer.client.delete(`/api/datasets/${datasetId}`)).status).toBe(403);
  expect((await viewer.client.upload({ name: 'x', datasetType: 'training' }, 'a,b\n')).status).toBe(403);
});

test('bytes that are lost in the store answer 503, and nothing of the storage leaks', async () => {
  const { datasetId } = await createDataset(app.db, owner.userId);
  const answer = await owner.client.get(`/api/datasets/${datasetId}/download`);
  expect([answer.status, answer.body.error.code, answer.headers.get('retry-after')]).toEqual([
    503,
    'STORAGE_UNAVAILABLE',
    '5',
  ]);
});

test('how a task made a data set can be read: its log as JSON or as a page, the rows it set aside, the labels it doubts', async () => {
  const folder = 'optimized/dataset_log_i0/attempt-2';
  const made = await createDataset(app.db, owner.userId, {
    isOptimized: true,
    datasetType: 'optimized',
    storagePath: `${folder}/train.parquet`,
  });
  const page = '<!doctype html><script>alert(1)</script>';
  const told = { version: 2, seed: 7, steps: [], quarantined: 1 };
  const files = {
    'log.json': JSON.stringify(told),
    'log.html': page,
    'quarantine.jsonl': '{"line":3,"reason":"empty label"}\n',
  };
  for (const [name, text] of Object.entries(files)) {
    await app.store.upload(`${folder}/${name}`, Readable.from(text), 'application/octet-stream').done;
  }
  const address = `/api/datasets/${made.datasetId}`;

  const log = await owner.client.get(`${address}/log`);
  expect([log.status, log.body]).toEqual([200, told]);
  const html = await owner.client.get(`${address}/log`, { headers: { accept: 'text/html' } });
  expect([html.status, html.text, html.headers.get('content-type')]).toEqual([200, page, 'text/html; charset=utf-8']);
  expect(html.headers.get('content-security-policy')).toMatch(/default-src 'none';.*sandbox/);
  expect([html.headers.get('vary'), html.headers.get('cache-control')]).toEqual(['Accept', 'private, no-store']);
  const quarantine = await owner.client.get(`${address}/quarantine`);
  expect([quarantine.text, quarantine.headers.get('content-type')]).toEqual([
    files['quarantine.jsonl'],
    'application/x-ndjson',
  ]);
  expect(quarantine.headers.get('content-disposition')).toContain(`${made.datasetId}-quarantine.jsonl`);
  // Generated text has no labels to doubt.
  const none = await owner.client.get(`${address}/label-issues`);
  expect([none.status, none.body.error.message]).toEqual([404, expect.stringContaining('has no label-issues.jsonl')]);
});

test('an uploaded data set has no log, and the answer says where one is', async () => {
  const { datasetId } = await createDataset(app.db, owner.userId);
  const answer = await owner.client.get(`/api/datasets/${datasetId}/log`);
  expect([answer.status, answer.body.error.message]).toEqual([404, expect.stringContaining('executions and report')]);
});

test('rows that retention collected answer as gone, with the rule and when; the row and the log stay', async () => {
  const folder = 'optimized/dataset_gone_i0/attempt-1';
  const collectedAt = new Date('2030-01-02T03:04:05Z');
  const made = await createDataset(app.db, owner.userId, {
    ...{ isOptimized: true, datasetType: 'optimized', storagePath: `${folder}/train.parquet`, collectedAt },
  });
  await app.store.upload(
    `${folder}/log.json`,
    Readable.from('{"version":2,"seed":7,"steps":[],"quarantined":0}'),
    'application/json',
  ).done;
  const address = `/api/datasets/${made.datasetId}`;
  for (const path of ['download', 'quarantine', 'label-issues']) {
    const { status, body } = await owner.client.get(`${address}/${path}`);
    expect([path, status, body.error.code]).toEqual([path, 410, 'COLLECTED']);
    expect(body.error.message).toMatch(/2030-01-02 by retention.*WLOPS_RETENTION_DAYS/);
    expect(body.error.details).toEqual({ collectedAt: collectedAt.toISOString() });
  }
  expect((await owner.client.get(address)).body.collectedAt).toBe(collectedAt.toISOString());
  expect((await owner.client.get(`${address}/log`)).status).toBe(200);
  expect((await other.client.get(`${address}/download`)).status).toBe(404);
});
