import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { openTestApp, type TestApp } from '../../testing/app';
import { createPerson, type Person } from '../../testing/factories';
import { startTestS3, type TestS3 } from '../../testing/s3';
import { until } from '../../testing/until';
import { S3ObjectStore } from '../../storage/s3-object-store';

const MIB = 1024 ** 2;
const LIMIT = 40 * MIB;
const FIELDS = { name: 'questions', datasetType: 'training' };
const CSV = 'text,label\nhello,greeting\n"a ""quoted"", two\nline text",other\nbye,farewell\n';

let app: TestApp;
let owner: Person;
let admin: Person;
beforeAll(async () => {
  app = await openTestApp({ settings: { maxUploadBytes: LIMIT } });
  owner = await createPerson(app);
  admin = await createPerson(app, 'ADMIN');
});
afterAll(() => app.close());

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Keys of objects and of open multipart uploads of one user. */
async function leftovers(userId: number): Promise<string[]> {
  const { client, bucket } = app.store as unknown as { client: S3Client; bucket: string };
  const prefix = `datasets/${userId}/`;
  const objects = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
  return [...(objects.Contents ?? []), ...(uploads.Uploads ?? [])].map(({ Key }) => Key ?? '');
}

const FORM_START =
  Object.entries(FIELDS)
    .map(([name, value]) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join('') + '--b\r\ncontent-disposition: form-data; name="file"; filename="x.csv"\r\n\r\n';
const FORM_END = '\r\n--b--\r\n';

/** A connection on which everything before a file of `size` bytes has been sent. */
async function beginUpload(person: Person, size: number, { url }: { url: string } = app): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `POST /api/datasets/upload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${person.token}\r\n` +
      `content-type: multipart/form-data; boundary=b\r\n` +
      `content-length: ${FORM_START.length + size + FORM_END.length}\r\n\r\n${FORM_START}`,
  );
  return socket;
}

/** Uploads without saying how long the body is. */
function uploadChunked({ client }: Person, file: Uint8Array) {
  async function* body() {
    yield Buffer.from(FORM_START);
    for (let at = 0; at < file.length; at += MIB) yield file.subarray(at, at + MIB);
    yield Buffer.from(FORM_END);
  }
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  return client.raw('POST', '/api/datasets/upload', { body: ReadableStream.from(body()), headers });
}

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
  expect(await leftovers(person.userId)).toEqual([]);
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
  expect(await leftovers(other.userId)).toEqual([]);

  const made = await admin.client.upload(forSomeone, CSV, { fileFirst });
  expect([made.status, made.body.userId]).toEqual([201, owner.userId]);
  expect(made.body.storagePath).toBe(`datasets/${owner.userId}/${made.body.datasetId}/raw`);
  expect((await owner.client.get(`/api/datasets/${made.body.datasetId}/download`)).text).toBe(CSV);
  const forNobody = await admin.client.upload({ ...FIELDS, userId: '2147483000' }, CSV, { fileFirst });
  expect([forNobody.status, forNobody.body.error.message]).toEqual([422, 'userId: there is no such user']);
  expect(await leftovers(admin.userId)).toEqual([]);
});

test.each([true, false])(
  'a file over the limit is refused with 413 and leaves nothing (length announced: %s)',
  async (announced) => {
    const person = await createPerson(app);
    const tooBig = new Uint8Array(LIMIT + 1);
    const answer = await (announced ? person.client.upload(FIELDS, tooBig) : uploadChunked(person, tooBig));
    expect([answer.status, answer.body.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(await leftovers(person.userId)).toEqual([]);
    const fits = new Uint8Array(LIMIT).fill(97);
    const taken = await (announced ? person.client.upload(FIELDS, fits) : uploadChunked(person, fits));
    expect(taken.status).toBe(201);
  },
);

const ZIP = Buffer.concat([Buffer.from('PK\u0003\u0004'), randomBytes(3 * MIB)]);
test.each([
  ['plain', ZIP],
  ['gzip', gzipSync(ZIP)],
])('an office document is refused and leaves nothing: %s', async (_case, file) => {
  const person = await createPerson(app);
  const answer = await person.client.upload(FIELDS, file);
  expect([answer.status, answer.body.error.details, answer.body.error.message]).toEqual([
    422,
    { field: 'file' },
    'file: is a zip archive or an office document; upload CSV, TSV, JSONL or Parquet, plain or gzip',
  ]);
  expect(await leftovers(person.userId)).toEqual([]);
});

test('a gzip bomb is refused while it arrives and leaves nothing', async () => {
  const person = await createPerson(app);
  const bomb = gzipSync(new Uint8Array(256 * MIB), { level: 9 });
  const socket = await beginUpload(person, bomb.length);
  let reply = '';
  socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
  // The second half never comes: who unpacks only at the end would wait for it.
  socket.write(bomb.subarray(0, bomb.length / 2));
  await until('the refusal', () => reply.includes('unpacks to more than'));
  expect(reply).toMatch(/^HTTP\/1.1 422/);
  // Its second half would be taken for the next request.
  expect(reply).toMatch(/^connection: close\r$/im);
  socket.destroy();
  expect(await leftovers(person.userId)).toEqual([]);
});

test.each([0.01, 0.5, 0.99])('a client that leaves after %d of the file leaves nothing behind', async (share) => {
  const person = await createPerson(app);
  const size = 24 * MIB;
  const socket = await beginUpload(person, size);
  let left = Math.floor(size * share);
  while (left > 0) {
    const piece = Math.min(left, MIB);
    if (!socket.write(Buffer.alloc(piece, 97))) await once(socket, 'drain');
    left -= piece;
  }
  if (share > 0.4) {
    await until('parts to be in the store', async () => (await leftovers(person.userId)).length > 0);
  }
  socket.destroy();
  await until('nothing to be left', async () => (await leftovers(person.userId)).length === 0);
  expect(await app.db.dataset.count({ where: { userId: person.userId } })).toBe(0);
});

test('a form that ends in the middle is refused and leaves nothing', async () => {
  const person = await createPerson(app);
  const body = `--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n${'a'.repeat(5000)}`;
  const answer = await person.client.raw('POST', '/api/datasets/upload', {
    body,
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  });
  expect([answer.status, answer.body.error.code]).toEqual([400, 'MALFORMED_REQUEST']);
  expect(await leftovers(person.userId)).toEqual([]);
});

test('a store that cannot be cleaned up does not hide what was wrong with the upload', async () => {
  const remove = jest.spyOn(app.store, 'remove').mockRejectedValue(new Error('the store is down'));
  try {
    const answer = await owner.client.upload({ ...FIELDS, datasetType: 'secret' }, CSV, { fileFirst: true });
    expect([answer.status, answer.body.error.message]).toEqual([422, expect.stringContaining('datasetType')]);
    expect(remove).toHaveBeenCalled();
  } finally {
    remove.mockRestore();
  }
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
    expect(await leftovers(person.userId)).toHaveLength(1);
  });

  test('other content is a conflict, another user’s key is another key, and a failed call gives its key back', async () => {
    const [person, other] = [await createPerson(app), await createPerson(app)];
    expect((await person.client.upload(FIELDS, '', { headers })).status).toBe(422);
    expect((await person.client.upload(FIELDS, CSV, { headers })).status).toBe(201);
    const reused = await person.client.upload(FIELDS, `${CSV}more,x\n`, { headers });
    expect([reused.status, reused.body.error.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
    expect((await other.client.upload(FIELDS, CSV, { headers })).status).toBe(201);
  });
});

test('200 MB pass through in constant memory', async () => {
  const large = await openTestApp({ settings: { maxUploadBytes: 300 * MIB } });
  try {
    const person = await createPerson(large);
    const piece = Buffer.from(`${'x'.repeat(99)}\n`.repeat(10_486)); // A little over 1 MiB.
    const size = piece.length * 200;
    const socket = await beginUpload(person, size, large);
    let reply = '';
    socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
    global.gc?.();
    const before = process.memoryUsage().rss;
    let peak = before;
    for (let i = 0; i < 200; i += 1) {
      if (!socket.write(piece)) await once(socket, 'drain');
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    socket.write(FORM_END);
    await until('the answer', () => reply.includes('sampleCount'));
    socket.destroy();
    expect(reply).toMatch(/^HTTP\/1.1 201/);
    expect(reply).toContain(`"sampleCount":${10_486 * 200}`);
    // Four parts of 8 MiB in flight and their copies; the file itself is 210 MB.
    expect((peak - before) / MIB).toBeLessThan(150);
  } finally {
    await large.close();
  }
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
