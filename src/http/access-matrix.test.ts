/**
 * Who may call what, for every operation that the API describes: a new one without a row fails. Rows say the status by caller; the
 * object in the path belongs to `owner`.
 */
import { openTestApp, type TestApp } from '../testing/app';
import { createDataset, createPerson, createTask, type Person } from '../testing/factories';

type Column = 'anonymous' | 'other' | 'owner' | 'admin' | 'viewer';
type Row = Record<Column, number> & { body?: object };

const everyone = (status: number): Row => ({
  anonymous: status,
  other: status,
  owner: status,
  admin: status,
  viewer: status,
});
const signedIn = (status: number): Row => ({ ...everyone(status), anonymous: 401 });
const ownObject = (status: number): Row => ({ anonymous: 401, other: 404, owner: status, admin: status, viewer: 404 });
const ownObjectWrite = (status: number, body?: object): Row => ({
  ...ownObject(status),
  viewer: 403,
  ...(body && { body }),
});
const writers = (status: number, body?: object): Row => ({ ...signedIn(status), viewer: 403, ...(body && { body }) });
const admins = (status: number, body?: object): Row => ({ ...signedIn(403), admin: status, ...(body && { body }) });

const MATRIX: Record<string, Row> = {
  register: { ...everyone(422), body: {} },
  login: { ...everyone(422), body: {} },
  refresh: { ...everyone(401), body: { refreshToken: 'none' } },
  logout: { ...everyone(401), body: { refreshToken: 'none' } }, // Called without the caller's own token, see below.
  getMe: signedIn(200),
  listUsers: admins(200),
  changeUser: admins(200, { disabled: false }),
  uploadDataset: writers(415),
  listDatasets: signedIn(200),
  listDatasetsOfUser: ownObject(200),
  getDataset: ownObject(200),
  downloadDataset: ownObject(503), // The row has no object.
  getDatasetLineage: ownObject(200),
  getDatasetLog: ownObject(404), // No task made the row.
  getDatasetQuarantine: ownObject(404),
  getDatasetLabelIssues: ownObject(404),
  deleteDataset: ownObjectWrite(204),
  createStandardTask: writers(422, {}),
  createContinuousTask: writers(422, {}),
  listTasks: signedIn(200),
  getTask: ownObject(200),
  startTask: ownObjectWrite(202),
  pauseTask: ownObjectWrite(409),
  resumeTask: ownObjectWrite(409),
  cancelTask: ownObjectWrite(200),
  failTask: ownObjectWrite(409),
  changeHyperparameters: ownObjectWrite(409, { checkpoint_interval_seconds: 45 }),
  changeStopConditions: ownObjectWrite(200, { maxIterations: 3 }),
  listExecutions: ownObject(200),
  listDecisions: ownObject(200),
  getTaskMetrics: ownObject(200),
  getTaskReport: ownObject(200),
  getEvaluation: ownObject(404), // Nothing was evaluated.
  streamTaskEvents: ownObject(204),
  runRetention: admins(202, { dryRun: true }),
  getRetention: admins(202),
  livez: everyone(200),
  readyz: everyone(200),
  processMetrics: everyone(200),
};

let app: TestApp;
const people = {} as Record<Exclude<Column, 'anonymous'>, Person>;
beforeAll(async () => {
  app = await openTestApp();
  people.owner = await createPerson(app);
  people.other = await createPerson(app);
  people.admin = await createPerson(app, 'ADMIN');
  people.viewer = await createPerson(app, 'VIEWER');
});
afterAll(() => app.close());

test('every operation has a row, and every row an operation', () => {
  expect(app.operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(MATRIX).sort());
});

test('every operation that is not public asks for a token in OpenAPI too', async () => {
  const { paths } = (await app.anonymous.get('/openapi.json')).body as {
    paths: Record<string, Record<string, { security?: unknown }>>;
  };
  for (const { path, method, access } of app.operations) {
    expect([path, paths[path]?.[method]?.security !== undefined]).toEqual([path, access !== 'public']);
  }
});

const columns: Column[] = ['anonymous', 'other', 'owner', 'admin', 'viewer'];

test.each(Object.entries(MATRIX).flatMap(([id, row]) => columns.map((column) => [id, column, row] as const)))(
  '%s as %s',
  async (operationId, column, row) => {
    const operation = app.operations.find((one) => one.operationId === operationId);
    if (!operation) throw new Error(`no operation ${operationId}`);
    // Made anew for each call: some calls use them up.
    const { datasetId } = await createDataset(app.db, people.owner.userId);
    const ended = operationId === 'streamTaskEvents';
    const { taskId } = await createTask(app.db, people.owner.userId, { status: ended ? 'COMPLETED' : 'PENDING' });
    const userId = operationId === 'changeUser' ? (await createPerson(app)).userId : people.owner.userId;
    const path = operation.path
      .replace('{datasetId}', datasetId)
      .replace('{taskId}', taskId)
      .replace('{iteration}', '0')
      .replace('{retentionId}', 'dry-run_1')
      .replace('{userId}', String(userId));
    const ownToken = column !== 'anonymous' && operationId !== 'logout';
    const client = ownToken ? people[column].client : app.anonymous;
    const json = row.body && { body: JSON.stringify(row.body) };
    const headers = row.body ? { 'content-type': 'application/json' } : undefined;
    const answer = await client.raw(operation.method.toUpperCase(), path, { ...json, headers: { ...headers } });
    expect(answer.status).toBe(row[column]);
  },
);

test('no other spelling of an admin path gets through', async () => {
  const spellings = [
    '/API/users',
    '/api/Users',
    '/api/users/',
    '//api/users',
    '/api//users',
    '/api/./users',
    '/api/users%2f',
    '/api/users;x',
  ];
  for (const path of spellings) {
    expect([path, (await people.owner.client.get(path)).status]).toEqual([path, path === '/api/./users' ? 403 : 404]);
  }
  for (const override of ['x-http-method-override', 'x-method-override']) {
    const answer = await people.owner.client.post('/api/users', {}, { headers: { [override]: 'GET' } });
    expect(answer.status).toBe(404);
  }
});
