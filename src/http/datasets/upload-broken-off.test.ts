import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { openTestApp, type TestApp } from '../../testing/app';
import { createPerson } from '../../testing/factories';
import { until } from '../../testing/until';
import { beginUpload, CSV, FIELDS, FORM_END, leftovers, MIB, uploadChunked } from '../../testing/uploads';

const LIMIT = 40 * MIB;

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp({ settings: { maxUploadBytes: LIMIT } });
});
afterAll(() => app.close());

test.each([true, false])(
  'a file over the limit is refused with 413 and leaves nothing (length announced: %s)',
  async (announced) => {
    const person = await createPerson(app);
    const tooBig = new Uint8Array(LIMIT + 1);
    const answer = await (announced ? person.client.upload(FIELDS, tooBig) : uploadChunked(person, tooBig));
    expect([answer.status, answer.body.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(await leftovers(app, person.userId)).toEqual([]);
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
  expect(await leftovers(app, person.userId)).toEqual([]);
});

test('a gzip bomb is refused while it arrives and leaves nothing', async () => {
  const person = await createPerson(app);
  const bomb = gzipSync(new Uint8Array(256 * MIB), { level: 9 });
  const socket = await beginUpload(app, person, bomb.length);
  let reply = '';
  socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
  // The second half never comes: who unpacks only at the end would wait for it.
  socket.write(bomb.subarray(0, bomb.length / 2));
  await until('the refusal', () => reply.includes('unpacks to more than'));
  expect(reply).toMatch(/^HTTP\/1.1 422/);
  // Its second half would be taken for the next request.
  expect(reply).toMatch(/^connection: close\r$/im);
  socket.destroy();
  expect(await leftovers(app, person.userId)).toEqual([]);
});

test.each([0.01, 0.5, 0.99])('a client that leaves after %d of the file leaves nothing behind', async (share) => {
  const person = await createPerson(app);
  const size = 24 * MIB;
  const socket = await beginUpload(app, person, size);
  let left = Math.floor(size * share);
  while (left > 0) {
    const piece = Math.min(left, MIB);
    if (!socket.write(Buffer.alloc(piece, 97))) await once(socket, 'drain');
    left -= piece;
  }
  if (share > 0.4) {
    await until('parts to be in the store', async () => (await leftovers(app, person.userId)).length > 0);
  }
  socket.destroy();
  await until('nothing to be left', async () => (await leftovers(app, person.userId)).length === 0);
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
  expect(await leftovers(app, person.userId)).toEqual([]);
});

test('a store that cannot be cleaned up does not hide what was wrong with the upload', async () => {
  const remove = jest.spyOn(app.store, 'remove').mockRejectedValue(new Error('the store is down'));
  try {
    const owner = await createPerson(app);
    const answer = await owner.client.upload({ ...FIELDS, datasetType: 'secret' }, CSV, { fileFirst: true });
    expect([answer.status, answer.body.error.message]).toEqual([422, expect.stringContaining('datasetType')]);
    expect(remove).toHaveBeenCalled();
  } finally {
    remove.mockRestore();
  }
});

test('200 MB pass through in constant memory', async () => {
  const large = await openTestApp({ settings: { maxUploadBytes: 300 * MIB } });
  try {
    const person = await createPerson(large);
    const piece = Buffer.from(`${'x'.repeat(99)}\n`.repeat(10_486)); // A little over 1 MiB.
    const size = piece.length * 200;
    const socket = await beginUpload(large, person, size);
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
