/** Input from hell: whatever comes, the API answers with a client error and goes on. Seeded, so a failure can be repeated. */
import { openTestApp, type TestApp } from '../testing/app';
import { createDataset, createPerson, createTask, type Person } from '../testing/factories';

let app: TestApp;
let owner: Person;
beforeAll(async () => {
  app = await openTestApp();
  owner = await createPerson(app);
});
afterEach(() => expect(app.errors).toEqual([]));
afterAll(() => app.close());

const post = (body: string, contentType = 'application/json', path = '/api/tasks/standard') =>
  owner.client.raw('POST', path, { body, headers: { 'content-type': contentType } });

test.each<[string, string, string, number]>([
  ['broken JSON', '{"a":', 'application/json', 400],
  ['a prototype key', '{"__proto__":{"polluted":1}}', 'application/json', 400],
  ['a nested prototype key', '{"hyperparameters":{"__proto__":{"polluted":1}}}', 'application/json', 400],
  ['an array', '[]', 'application/json', 422],
  ['null', 'null', 'application/json', 400],
  ['a number too large', '{"taskName":1e999}', 'application/json', 422],
  ['a body past the limit', JSON.stringify({ taskName: 'x'.repeat(300_000) }), 'application/json', 413],
  ['depth', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`, 'application/json', 400],
  ['another media type', 'taskName=x', 'application/x-www-form-urlencoded', 415],
  ['another character set', '{}', 'application/json; charset=latin-9', 415],
  ['wrong types', '{"taskName":{"$gt":""},"modelName":["x"],"datasetId":{"not":null}}', 'application/json', 422],
])('%s', async (_case, body, contentType, status) => {
  const answer = await post(body, contentType);
  expect(answer.status).toBe(status);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test('a body past the limit is told the limit', async () => {
  const { body } = await post(JSON.stringify({ taskName: 'x'.repeat(300_000) }));
  expect(body.error.message).toMatch(/^the body is too large; at most \d{5,7} bytes are taken$/);
});

test('a path that cannot be decoded is a client error, a path nobody has is missing', async () => {
  expect((await owner.client.get('/api/tasks/%E0%A4%A')).status).toBe(400);
  for (const id of [
    '%00',
    "'%20OR%201=1",
    '..%2f..%2fusers',
    '%F0%9F%98%80',
    'a'.repeat(199),
    '%7B%22not%22:null%7D',
  ]) {
    expect([id, (await owner.client.get(`/api/tasks/${id}`)).status]).toEqual([id, 404]);
    expect([id, (await owner.client.get(`/api/datasets/${id}`)).status]).toEqual([id, 404]);
  }
});

test('every answer, faults too, carries the headers that browsers need to stay safe, and no trace of what runs here', async () => {
  for (const path of ['/livez', '/api/users/me', '/docs', '/openapi.json', '/nowhere', '/api/tasks/%E0%A4%A']) {
    const { headers } = await app.anonymous.get(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    // It would turn our own scripts to https, which a stack without it does not answer: Swagger UI would stay blank.
    expect(headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{8,}$/);
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
  const traced = await app.anonymous.raw('OPTIONS', '/api/tasks', { headers: { origin: 'https://evil.example' } });
  expect(traced.headers.get('access-control-allow-origin')).toBeNull();
});

/** A half surrogate cannot stand in an address. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '?');

/** A small repeatable generator (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test('800 generated calls over all operations: none answers 5xx and the process goes on', async () => {
  const random = generator(20_261_123);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const { datasetId } = await createDataset(app.db, owner.userId, { deletedAt: new Date() });
  const { taskId } = await createTask(app.db, owner.userId);
  const strings = [
    '',
    ' ',
    '\0',
    '\ud800',
    '🙂'.repeat(50),
    "'; DROP TABLE users; --",
    '../../x',
    '1e309',
    'NaN',
    '-1',
    'x'.repeat(5000),
    datasetId,
    taskId,
    owner.email,
  ];
  const value = (depth = 0): unknown =>
    pick<() => unknown>([
      () => pick(strings),
      () => pick([0, -1, 1.5, 1e308, 2 ** 53, 2147483648]),
      () => pick([true, false, null]),
      () => (depth > 2 ? null : [value(depth + 1)]),
      () => (depth > 2 ? {} : { [pick(strings)]: value(depth + 1), constructor: value(depth + 1) }),
    ])();
  const fields = [
    'email password displayName refreshToken role disabled taskName modelName datasetId userId hyperparameters',
    'maxIterations performanceThreshold stopPolicies seed metric taskType reason testDatasetId',
  ].flatMap((names) => names.split(' '));
  const names = ['limit', 'cursor', 'status', 'taskMode', 'userId', 'datasetType', 'isOptimized', 'x'];
  const operations = app.operations.filter(
    ({ operationId }) => !['streamTaskEvents', 'processMetrics', 'logout'].includes(operationId),
  );
  for (let i = 0; i < 800; i += 1) {
    const operation = pick(operations);
    const path = operation.path.replace(/\{\w+\}/g, () => encodeURIComponent(wellFormed(pick([...strings, taskId]))));
    const query = random() < 0.5 ? '' : `?${pick(names)}=${encodeURIComponent(wellFormed(pick(strings)))}`;
    const body = Object.fromEntries(Array.from({ length: 4 }, () => [pick(fields), value()]));
    const client = pick([app.anonymous, owner.client, owner.client]);
    const answer =
      operation.method === 'get' || operation.method === 'delete'
        ? await client.raw(operation.method.toUpperCase(), path + query, { headers: {} })
        : await client.raw(operation.method.toUpperCase(), path + query, {
            body: JSON.stringify(body),
            headers: {
              'content-type': pick(['application/json', 'application/json', 'application/json', 'text/plain']),
            },
          });
    if (answer.status >= 500)
      throw new Error(`${operation.operationId} ${path}${query} ${JSON.stringify(body)} → ${answer.text}`);
  }
  expect((await app.anonymous.get('/livez')).status).toBe(200);
});
