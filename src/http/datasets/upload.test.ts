import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import { IdempotencyRepository } from '../../repositories/idempotency-keys';
import { openTestApp, type TestApp } from '../../testing/app';
import { createPerson, type Person } from '../../testing/factories';
import { CSV, FIELDS, leftovers, MIB } from '../../testing/uploads';
import { startTestS3, type TestS3 } from '../../testing/s3';
import { S3ObjectStore } from '../../storage/s3-object-store';

let app: TestApp;
let owner: Person;
let admin: Person;
beforeAll(async () => {
  app = await openTestApp();
  owner = await createPerson(app);
  admin = await createPerson(app, 'ADMIN');
});
afterAll(() => app.close());

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

test.each([false, true])(
  'stores bytes as they are, wherever the file stands in the form (file first: %s)',
  async (fileFirst) => {
    const answer = await owner.client.upload({ ...FIELDS, domain: 'chat', userId: String(owner.userId) }, CSV, {
      fileFirst,
    });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      name: 'questions',
      datasetType: 'training',
      domain: 'chat',
      userId: owner.userId,
      fileName: 'data.csv',
      fileSize: Buffer.byteLength(CSV),
      sampleCount: 3,
      sha256: sha256(CSV),
      isOptimized: false,
      storagePath: `datasets/${owner.userId}/${answer.body.datasetId}/raw`,
    });
    expect(answer.body.datasetId).toMatch(/^dataset_[a-z2-7]{26}$/);
    const download = await owner.client.get(`/api/datasets/${answer.body.datasetId}/download`);
    expect(download.text).toBe(CSV);
    expect(download.headers.get('content-disposition')).toMatch(/^attachment/);
    expect(download.headers.get('x-content-type-options')).toBe('nosniff');
  },
);

test('a file that came as text is told so, by its field', async () => {
  const body = '--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nx\r\n--b--';
  const answer = await owner.client.raw('POST', '/api/datasets/upload', {
    body,
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  });
  expect([answer.status, answer.body.error.details]).toEqual([422, { field: 'file' }]);
  expect(answer.body.error.message).toBe('file: must be sent as a file, with a file name');
});

test('an optimized data set, which has no file name of a user, is downloaded as Parquet', async () => {
  const { body } = await owner.client.upload(FIELDS, CSV);
  await app.db.dataset.update({
    where: { datasetId: body.datasetId as string },
    data: { isOptimized: true, fileName: null },
  });
  const download = await owner.client.get(`/api/datasets/${body.datasetId}/download`);
  expect(download.headers.get('content-disposition')).toBe(`attachment; filename=${body.datasetId}.parquet`);
});

test.each([
  ['CRLF', 'text,label\r\na,b\r\nc,d\r\n', {}, 2],
  ['no header', 'good film,pos\nbad film,neg', {}, 2],
  ['columns by number', 'text,label\na,b\n', { columns: '{"text":0,"label":1}' }, 1],
  ['a JSON array', '[\n  {"text": "a"},\n  {"text": "b"}\n]\n', {}, 2],
  ['columns by name', 'satz;absicht\na;b\n', { columns: '{"text":"satz","label":"absicht"}' }, 1],
  ['JSONL with blank lines', '{"text":"a"}\n\n{"text":"b"}\n', {}, 2],
  ['gzip', gzipSync(CSV), {}, 3],
  ['broken gzip', Buffer.concat([gzipSync(CSV).subarray(0, 20), randomBytes(200)]), {}, null],
  ['Parquet', Buffer.from('PAR1 and so on PAR1'), { format: 'parquet' }, null],
])('counts records: %s', async (_case, file, fields, expected) => {
  const answer = await owner.client.upload({ ...FIELDS, ...fields }, file);
  expect([answer.status, answer.body.sampleCount, answer.body.sha256]).toEqual([201, expected, sha256(file)]);
});

test('columns that name nothing are as good as none', async () => {
  const answer = await owner.client.upload({ ...FIELDS, columns: '{}' }, CSV);
  expect([answer.status, answer.body.columns, answer.body.sampleCount]).toEqual([201, null, 3]);
});

test('a file of many parts arrives byte by byte', async () => {
  const bytes = randomBytes(20 * MIB + 17);
  const answer = await owner.client.upload(FIELDS, bytes);
  expect([answer.status, answer.body.sha256, answer.body.fileSize]).toEqual([201, sha256(bytes), bytes.length]);
  const response = await fetch(`${app.url}/api/datasets/${answer.body.datasetId}/download`, {
    headers: { authorization: `Bearer ${owner.token}` },
  });
  expect(sha256(new Uint8Array(await response.arrayBuffer()))).toBe(sha256(bytes));
});

test.each<[string, Record<string, string>, string | null, number, string]>([
  ['an empty file', FIELDS, '', 422, 'file'],
  ['no name', { datasetType: 'training' }, CSV, 422, 'name'],
  ['an unknown type', { ...FIELDS, datasetType: 'secret' }, CSV, 422, 'datasetType'],
  ['the optimizer’s type', { ...FIELDS, datasetType: 'optimized' }, CSV, 422, 'datasetType'],
  ['an unknown field', { ...FIELDS, storagePath: '/etc' }, CSV, 422, 'storagePath'],
  ['an unknown format', { ...FIELDS, format: 'xlsx' }, CSV, 422, 'format'],
  ['columns that are no JSON', { ...FIELDS, columns: '{' }, CSV, 422, 'columns'],
  ['columns of a wrong shape', { ...FIELDS, columns: '[1]' }, CSV, 422, 'columns'],
  [
    'a column that is no name or number',
    { ...FIELDS, columns: '{"text":0,"label":0.5}' },
    CSV,
    422,
    'columns.label: must be',
  ],
  ['columns of an unknown role', { ...FIELDS, columns: '{"foo":"text","label":"label"}' }, CSV, 422, 'known roles are'],
  ['columns without an output', { ...FIELDS, columns: '{"text":"text"}' }, CSV, 422, 'an output'],
  [
    'columns of one role',
    { ...FIELDS, columns: '{"text":0,"sentence":1,"label":2}' },
    CSV,
    422,
    'columns: names "text"',
  ],
  ['columns that replace a prototype', { ...FIELDS, columns: '{"__proto__":"x"}' }, CSV, 422, 'columns'],
  ['a user id that is no number', { ...FIELDS, userId: 'me' }, CSV, 422, 'userId'],
  ['a name that cannot be stored', { ...FIELDS, name: 'a\0b' }, CSV, 422, 'name'],
  ['a field that is called __proto__', { ...FIELDS, __proto__x: '1' }, CSV, 422, '__proto__x'],
])('%s is refused, naming the field, and leaves nothing', async (_case, fields, file, status, field) => {
  const person = await createPerson(app);
  const answer = await person.client.upload(fields, file ?? '', { fileFirst: true });
  expect([answer.status, answer.body.error.message]).toEqual([status, expect.stringContaining(field)]);
  expect(await leftovers(app, person.userId)).toEqual([]);
  expect(await app.db.dataset.count({ where: { userId: person.userId } })).toBe(0);
});

test('a form without a file, with two files or with a file under another name is refused', async () => {
  const send = (form: FormData) => owner.client.raw('POST', '/api/datasets/upload', { body: form, headers: {} });
  const form = (...files: string[]): FormData => {
    const data = new FormData();
    for (const [name, value] of Object.entries(FIELDS)) data.append(name, value);
    for (const name of files) data.append(name, new Blob([CSV]), 'x.csv');
    return data;
  };
  for (const data of [form(), form('file', 'file'), form('data')]) expect((await send(data)).status).toBe(422);
  const json = await owner.client.post('/api/datasets/upload', FIELDS);
  expect([json.status, json.body.error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
});

test.each([false, true])('only administrators upload for others (file first: %s)', async (fileFirst) => {
  const forSomeone = { userId: String(owner.userId), ...FIELDS };
  const other = await createPerson(app);
  const refused = await other.client.upload(forSomeone, CSV, { fileFirst });
  expect([refused.status, refused.body.error.code]).toEqual([403, 'FORBIDDEN']);
  expect(await leftovers(app, other.userId)).toEqual([]);

  const made = await admin.client.upload(forSomeone, CSV, { fileFirst });
  expect([made.status, made.body.userId]).toEqual([201, owner.userId]);
  expect(made.body.storagePath).toBe(`datasets/${owner.userId}/${made.body.datasetId}/raw`);
  expect((await owner.client.get(`/api/datasets/${made.body.datasetId}/download`)).text).toBe(CSV);
  const forNobody = await admin.client.upload({ ...FIELDS, userId: '2147483000' }, CSV, { fileFirst });
  expect([forNobody.status, forNobody.body.error.message]).toEqual([422, 'userId: there is no such user']);
  expect(await leftovers(app, admin.userId)).toEqual([]);
});

test('malformed forms never answer 5xx, and the process goes on', async () => {
  const part = 'content-disposition: form-data; name="file"; filename="x"';
  const bodies = [
    '',
    '--b',
    '--b--',
    '--b\r\n\r\n',
    `--b\r\n${part}\r\n`,
    '--b\r\ncontent-disposition: form-data; name=""\r\n\r\nx\r\n--b--',
    '--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--',
    '--b\r\ncontent-disposition: attachment; name="file"\r\n\r\nx\r\n--b--',
    `--b\r\n${'x'.repeat(100_000)}: y\r\n\r\nz\r\n--b--`,
    `--b\r\n${part}\r\ncontent-type: \0\r\n\r\nz\r\n--b--`,
    `--b\r\ncontent-disposition: form-data; name="file"; filename*=utf-8''%ff%fe%00\r\n\r\nz\r\n--b--`,
    `--b\r\ncontent-disposition: form-data; name="file"; filename="../../../etc/passwd"\r\n\r\nz\r\n--b--`,
    `--b\r\ncontent-disposition: form-data; name="${'n'.repeat(5000)}"\r\n\r\nz\r\n--b--`,
    Array.from({ length: 60 }, (_, i) => `--b\r\ncontent-disposition: form-data; name="f${i}"\r\n\r\nz\r\n`).join('') +
      '--b--',
    '\0'.repeat(1000),
  ];
  const types = [
    'multipart/form-data; boundary=b',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/mixed; boundary=b',
  ];
  for (const type of types) {
    for (const body of bodies) {
      const answer = await owner.client.raw('POST', '/api/datasets/upload', {
        body,
        headers: { 'content-type': type },
      });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
  }
});

test('hostile file names are labels only', async () => {
  for (const name of [
    '../../etc/passwd',
    '..\\..\\x',
    '/abs',
    'a\u202Etxt.exe',
    '%2e%2e%2f',
    'a#b?c',
    ' ',
    '名前.csv',
  ]) {
    const form = new FormData();
    for (const [key, value] of Object.entries(FIELDS)) form.append(key, value);
    form.append('file', new Blob([CSV]), name);
    const answer = await owner.client.raw('POST', '/api/datasets/upload', { body: form, headers: {} });
    expect(answer.status).toBe(201);
    expect(answer.body.storagePath).toBe(`datasets/${owner.userId}/${answer.body.datasetId}/raw`);
    expect((await owner.client.get(`/api/datasets/${answer.body.datasetId}/download`)).status).toBe(200);
  }
});

describe('Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'upload-1' };

  test('a repeat with the same content gets the same answer and stores nothing', async () => {
    const person = await createPerson(app);
    const first = await person.client.upload(FIELDS, CSV, { headers });
    const again = await person.client.upload(FIELDS, CSV, { headers, fileFirst: true });
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await app.db.dataset.count({ where: { userId: person.userId } })).toBe(1);
    expect(await leftovers(app, person.userId)).toHaveLength(1);
  });

  test('other content is a conflict, another user’s key is another key, and a failed call gives its key back', async () => {
    const [person, other] = [await createPerson(app), await createPerson(app)];
    expect((await person.client.upload(FIELDS, '', { headers })).status).toBe(422);
    expect((await person.client.upload(FIELDS, CSV, { headers })).status).toBe(201);
    const reused = await person.client.upload(FIELDS, `${CSV}more,x\n`, { headers });
    expect([reused.status, reused.body.error.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
    expect((await other.client.upload(FIELDS, CSV, { headers })).status).toBe(201);
  });

  test('a call whose answer cannot be kept leaves neither row nor object', async () => {
    const person = await createPerson(app);
    jest.spyOn(IdempotencyRepository.prototype, 'complete').mockRejectedValueOnce(new Error('it died'));
    expect((await person.client.upload(FIELDS, CSV, { headers })).status).toBe(500);
    expect(await app.db.dataset.count({ where: { userId: person.userId } })).toBe(0);
    expect(await leftovers(app, person.userId)).toEqual([]);
    expect((await person.client.upload(FIELDS, CSV, { headers })).status).toBe(201);
  });
});

test('an upload whose commit is in doubt keeps its bytes: the repeat is answered, and they can be read', async () => {
  const person = await createPerson(app);
  const headers = { 'idempotency-key': 'in-doubt' };
  const carryOut = app.db.$transaction.bind(app.db) as (work: unknown) => Promise<unknown>;
  const lost = new Error('Connection terminated unexpectedly');
  app.db.$transaction = async (work: unknown) => {
    await carryOut(work);
    throw lost;
  };
  try {
    expect((await person.client.upload(FIELDS, CSV, { headers })).status).toBe(503);
  } finally {
    delete (app.db as { $transaction?: unknown }).$transaction;
  }
  const repeated = await person.client.upload(FIELDS, CSV, { headers });
  expect([repeated.status, repeated.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  const { datasetId } = repeated.body as { datasetId: string };
  expect((await person.client.raw('GET', `/api/datasets/${datasetId}/download`, { headers: {} })).text).toBe(CSV);
});

describe('the upload sweeper', () => {
  let s3: TestS3;
  beforeAll(async () => {
    s3 = await startTestS3();
  });
  afterAll(() => s3.stop());

  test('ends uploads that are older than its limit and leaves younger and finished ones', async () => {
    const store = new S3ObjectStore(s3.options);
    await store.ensureBucket();
    await store.ensureBucket();
    const { client } = store as unknown as { client: S3Client };
    const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    await client.send(new CreateMultipartUploadCommand({ Bucket: s3.options.bucket, Key: 'datasets/1/a/raw' }));
    expect(await store.sweepUploads('datasets/', new Date(Date.now() - 60_000))).toBe(0);
    expect(await store.sweepUploads('datasets/', new Date(Date.now() + 60_000))).toBe(1);
    expect(await store.sweepUploads('datasets/', new Date(Date.now() + 60_000))).toBe(0);
    store.close();
  });
});
