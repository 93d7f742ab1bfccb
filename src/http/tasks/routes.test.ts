import { AppError } from '../../domain/errors';
import { IdempotencyRepository } from '../../repositories/idempotency-keys';
import { openTestApp, type TestApp } from '../../testing/app';
import { createDataset, createPerson, createTask, type Person } from '../../testing/factories';

let app: TestApp;
let owner: Person;
let other: Person;
let admin: Person;
let datasetId: string;
const resolved: string[] = [];
let resolveFault: Error | null = null;

beforeAll(async () => {
  app = await openTestApp({
    resolveModel: async (name) => {
      resolved.push(name);
      if (resolveFault) throw resolveFault;
    },
  });
  [owner, other, admin] = [await createPerson(app), await createPerson(app), await createPerson(app, 'ADMIN')];
  ({ datasetId } = await createDataset(app.db, owner.userId));
});
beforeEach(() => {
  app.workflows.reset();
  resolved.length = 0;
  resolveFault = null;
});
afterAll(() => app.close());

const standard = (overrides: object = {}) => ({
  taskName: 'intents',
  modelName: 'builtin:classifier',
  datasetId,
  ...overrides,
});
interface Fault {
  field: string;
  message: string;
}
const masked = (text: string): string => text.replace(/"requestId":"[^"]+"/, '');

describe('create', () => {
  test("the examples of the user's document work literally", async () => {
    const one = await owner.client.post('/api/tasks/standard', {
      taskName: '数学推理模型训练',
      modelName: 'qwen-7b',
      datasetId,
      userId: owner.userId,
      hyperparameters: '{"learning_rate": 0.001, "epochs": 10}',
    });
    expect(one.status).toBe(201);
    expect(one.body).toMatchObject({
      taskMode: 'STANDARD',
      status: 'PENDING',
      controlState: 'none',
      maxIterations: 1,
      hyperparameters: { learning_rate: 0.001, epochs: 10 },
      userId: owner.userId,
      currentIteration: 0,
      latestScore: null,
    });
    expect(one.body.taskId).toMatch(/^task_[a-z2-7]{26}$/);
    const many = await owner.client.post('/api/tasks/continuous', {
      taskName: '持续学习任务',
      modelName: 'qwen-7b',
      datasetId,
      userId: owner.userId,
      hyperparameters: '{"learning_rate": 0.001}',
      maxIterations: 5,
      performanceThreshold: 0.95,
    });
    expect(many.body).toMatchObject({ taskMode: 'CONTINUOUS', maxIterations: 5, performanceThreshold: 0.95 });
    expect(app.workflows.calls).toEqual([]);
  });

  test('stop policies, data sets of every role and the seed are kept', async () => {
    const given = async (datasetType: 'validation' | 'test' | 'pool') =>
      (await createDataset(app.db, owner.userId, { datasetType })).datasetId;
    const roles = {
      validationDatasetId: await given('validation'),
      testDatasetId: await given('test'),
      poolDatasetId: await given('pool'),
    };
    const stopPolicies = {
      plateau: { patience: 2, minimumGain: 0.01 },
      budget: { wallSeconds: 0.5 },
      deadline: '2030-01-01T01:00:00+01:00',
      rule: 'lower_bound',
    };
    const answer = await owner.client.post(
      '/api/tasks/continuous',
      standard({ ...roles, seed: 7, metric: 'macro_f1', stopPolicies }),
    );
    expect(answer.body).toMatchObject({
      ...roles,
      seed: 7,
      metric: 'macro_f1',
      maxIterations: 5,
      stopPolicies: {
        ...stopPolicies,
        budget: { wallSeconds: 0.5, trainingSeconds: null },
        deadline: '2030-01-01T00:00:00.000Z',
      },
    });
  });

  test('the loss may be asked for whatever the task type, known or not', async () => {
    const asked = (modelName: string, taskType: string | null) =>
      owner.client.post('/api/tasks/standard', standard({ modelName, taskType, metric: 'loss' }));
    for (const [modelName, taskType] of [
      ['builtin:classifier', 'classification'],
      ['builtin:tinygpt', 'generation'],
      ['qwen-7b', null],
    ] as const) {
      const { status, body } = await asked(modelName, taskType);
      expect([status, body.metric]).toEqual([201, 'loss']);
    }
    const unknown = await owner.client.post('/api/tasks/standard', standard({ modelName: 'qwen-7b', metric: 'bleu' }));
    expect(unknown.status).toBe(422);
    expect(unknown.body.error.message).toContain('accuracy, macro_f1, loss, exact_match, exact_match_strict');
  });

  test('operators are kept, shown, and given to the workflow', async () => {
    const asked = { maskPersonalData: true, maxRowsPerClass: 50 };
    const { body } = await owner.client.post('/api/tasks/standard', standard({ operators: asked }));
    const operators = { ...asked, maxRowsPerGroup: null, useTeacher: true };
    expect(body.operators).toEqual(operators);
    await owner.client.post(`/api/tasks/${String(body.taskId)}/start`);
    expect(app.workflows.calls.at(-1)).toMatchObject({ args: [{ operators }] });

    const none = await owner.client.post('/api/tasks/continuous', standard());
    expect(none.body.operators).toEqual({
      ...{ maskPersonalData: false, maxRowsPerClass: null, maxRowsPerGroup: null, useTeacher: true },
    });
  });

  test.each([
    ['a cap of none', { maxRowsPerClass: 0 }, 'operators.maxRowsPerClass'],
    ['a cap that is no whole number', { maxRowsPerGroup: 1.5 }, 'operators.maxRowsPerGroup'],
    ['a teacher that is a word', { useTeacher: 'no' }, 'operators.useTeacher'],
    ['a mask that is a word', { maskPersonalData: 'yes' }, 'operators.maskPersonalData'],
    ['an operator that does not exist', { maskNames: true }, 'operators.maskNames'],
  ])('%s is refused by its name', async (_, operators, field) => {
    const answer = await owner.client.post('/api/tasks/standard', standard({ operators }));
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([422, expect.stringContaining(`"${field}"`)]);
  });

  test.each([
    ['by the task type', { modelName: 'qwen-7b', taskType: 'generation' }],
    ['by the model', { modelName: 'builtin:tinygpt' }],
  ])('a cap of rows per class is refused where it is generation %s', async (_, fields) => {
    const create = (operators: object) => owner.client.post('/api/tasks/standard', standard({ ...fields, operators }));
    const refused = await create({ maxRowsPerClass: 30 });
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      422,
      expect.stringContaining('"operators.maxRowsPerClass"'),
    ]);
    expect((await create({ maxRowsPerGroup: 30 })).status).toBe(201);
  });

  test('a cap of rows per class is taken where only the data will tell', async () => {
    const fields = { modelName: 'qwen-7b', taskType: null, operators: { maxRowsPerClass: 30 } };
    expect((await owner.client.post('/api/tasks/standard', standard(fields))).status).toBe(201);
  });

  test('a standard task takes stop policies too, though it has no loop to stop', async () => {
    const stopPolicies = { budget: { trainingSeconds: 60 }, rule: 'lower_bound' };
    const answer = await owner.client.post('/api/tasks/standard', standard({ stopPolicies }));
    expect([answer.status, answer.body.maxIterations, answer.body.stopPolicies]).toEqual([
      201,
      1,
      { plateau: null, budget: { wallSeconds: null, trainingSeconds: 60 }, deadline: null, rule: 'lower_bound' },
    ]);
  });

  test.each<[string, object, string, string]>([
    ['an unknown model', { modelName: 'gpt-99' }, 'MODEL_UNKNOWN', 'builtin:classifier'],
    ['a model that is a path', { modelName: '../../etc/passwd' }, 'MODEL_UNKNOWN', 'modelName'],
    ['an address as a model', { modelName: 'http://127.0.0.1/x' }, 'MODEL_UNKNOWN', 'modelName'],
    [
      'a model of the other kind',
      { modelName: 'builtin:tinygpt', taskType: 'classification' },
      'VALIDATION_FAILED',
      'taskType',
    ],
    ['an unknown hyperparameter', { hyperparameters: { lr: 1 } }, 'HYPERPARAMETER_INVALID', 'hyperparameters.lr'],
    ['one out of range', { hyperparameters: { epochs: 0 } }, 'HYPERPARAMETER_INVALID', '≥ 1 and ≤ 1000'],
    ['one at its open end', { hyperparameters: { learning_rate: 0 } }, 'HYPERPARAMETER_INVALID', '> 0 and ≤ 1'],
    ['one that is not whole', { hyperparameters: { epochs: 1.5 } }, 'HYPERPARAMETER_INVALID', 'whole number'],
    ['one of another type', { hyperparameters: { epochs: '3' } }, 'HYPERPARAMETER_INVALID', 'hyperparameters.epochs'],
    ['one named like a method', { hyperparameters: { constructor: 1 } }, 'HYPERPARAMETER_INVALID', 'constructor'],
    ['a string that is no JSON', { hyperparameters: '{"epochs": ' }, 'VALIDATION_FAILED', 'hyperparameters'],
    ['a string of another shape', { hyperparameters: '[1]' }, 'VALIDATION_FAILED', 'hyperparameters'],
    [
      'a prototype in a string',
      { hyperparameters: '{"__proto__":{"polluted":1}}' },
      'VALIDATION_FAILED',
      'hyperparameters',
    ],
    ['an unknown metric', { metric: 'bleu' }, 'VALIDATION_FAILED', 'metric'],
    ['a metric the model has no use for', { metric: 'exact_match' }, 'VALIDATION_FAILED', 'accuracy, macro_f1, loss'],
    ['an empty name', { taskName: ' ' }, 'VALIDATION_FAILED', 'taskName'],
    ['a name that cannot be stored', { taskName: 'a\ud800' }, 'VALIDATION_FAILED', 'taskName'],
    ['an unknown field', { learningRate: 1 }, 'VALIDATION_FAILED', 'learningRate'],
    ['a missing data set', { datasetId: 'dataset_nobody' }, 'VALIDATION_FAILED', 'datasetId'],
    ['a seed that is too large', { seed: 2 ** 40 }, 'VALIDATION_FAILED', 'seed'],
  ])('%s is refused, saying what is wrong', async (_case, overrides, code, word) => {
    // Other suites use the same database at the same time: only this owner's rows are looked at.
    const tasks = () => app.db.mlTask.count({ where: { userId: owner.userId } });
    const before = await tasks();
    const answer = await owner.client.post('/api/tasks/standard', standard(overrides));
    expect([answer.status, answer.body.error.code]).toEqual([422, code]);
    expect(answer.body.error.message).toContain(word);
    expect(await tasks()).toBe(before);
    expect(resolved).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test.each<[string, object]>([
    ['maxIterations', { maxIterations: 0 }],
    ['maxIterations', { maxIterations: 1001 }],
    ['performanceThreshold', { performanceThreshold: 'high' }],
    ['stopPolicies.plateau.patience', { stopPolicies: { plateau: { patience: 0, minimumGain: 0 } } }],
    ['stopPolicies.budget.wallSeconds', { stopPolicies: { budget: { wallSeconds: 0 } } }],
    ['stopPolicies.budget.gpuSeconds', { stopPolicies: { budget: { gpuSeconds: 1 } } }],
    ['stopPolicies.deadline', { stopPolicies: { deadline: 'tomorrow' } }],
  ])('a continuous task with a wrong %s is refused, naming it', async (field, overrides) => {
    const answer = await owner.client.post('/api/tasks/continuous', standard(overrides));
    expect([answer.status, answer.body.error.details.fields[0].field]).toEqual([422, field]);
  });

  test("another user's data set, a deleted one and one nobody has answer alike", async () => {
    const foreign = await createDataset(app.db, other.userId);
    const deleted = await createDataset(app.db, owner.userId, { deletedAt: new Date() });
    const ids = [foreign.datasetId, deleted.datasetId, 'dataset_aaaaaaaaaaaaaaaaaaaaaaaaaa'];
    const bodies = new Set<string>();
    for (const id of ids) {
      const answer = await owner.client.post('/api/tasks/standard', standard({ datasetId: id }));
      expect(answer.status).toBe(422);
      bodies.add(masked(answer.text));
    }
    expect(bodies.size).toBe(1);
  });

  test('a data set of another type is refused, naming field and type', async () => {
    const test = await createDataset(app.db, owner.userId, { datasetType: 'test' });
    const answer = await owner.client.post('/api/tasks/standard', standard({ datasetId: test.datasetId }));
    expect(answer.body.error.message).toBe('datasetId: is of type test; a data set of type training is needed');
  });

  test("someone else's userId is 403; an administrator may, with that user's data", async () => {
    const refused = await other.client.post('/api/tasks/standard', standard({ userId: owner.userId }));
    expect([refused.status, refused.body.error.code]).toEqual([403, 'FORBIDDEN']);
    const made = await admin.client.post('/api/tasks/standard', standard({ userId: owner.userId }));
    expect([made.status, made.body.userId]).toEqual([201, owner.userId]);
    expect((await admin.client.post('/api/tasks/standard', standard())).status).toBe(422);
  });

  test('every column of the row that is not the caller’s to set is refused', async () => {
    const columns =
      'id taskId status controlState currentDatasetId currentIteration latestModelPath latestScore seq storagePath role';
    for (const column of columns.split(' ')) {
      const answer = await owner.client.post('/api/tasks/continuous', standard({ [column]: 1 }));
      expect([answer.status, answer.body.error.details.fields]).toEqual([
        422,
        [{ field: column, message: 'is not a known field' }],
      ]);
    }
  });

  test('each field at fault is told what it needs, once and in words of a form', async () => {
    const answer = await owner.client.post('/api/tasks/continuous', {
      modelName: 7,
      datasetId,
      taskName: 'x',
      seed: 2 ** 60,
      maxIterations: 0,
      taskType: 'regression',
      stopPolicies: { plateau: { patience: 1.5 }, budget: { wallSeconds: 0 } },
    });
    expect(answer.status).toBe(422);
    expect(Object.fromEntries(answer.body.error.details.fields.map((one: Fault) => [one.field, one.message]))).toEqual({
      modelName: 'must be a text',
      seed: 'must be at most 2147483647',
      maxIterations: 'must be at least 1',
      taskType: 'must be one of "classification", "generation"',
      'stopPolicies.plateau.patience': 'must be a whole number',
      'stopPolicies.plateau.minimumGain': 'is required',
      'stopPolicies.budget.wallSeconds': 'must be above 0',
    });
    expect(answer.body.error.message).toBe('modelName: must be a text (and 6 more)');
  });

  test('names of the hub and local folders are asked from the trainer', async () => {
    expect((await owner.client.post('/api/tasks/standard', standard({ modelName: 'org/model' }))).status).toBe(201);
    resolveFault = new AppError('MODEL_UNKNOWN', 'modelName: no such folder');
    expect((await owner.client.post('/api/tasks/standard', standard({ modelName: 'local:mine' }))).status).toBe(422);
    resolveFault = new AppError('SERVICE_UNAVAILABLE', 'down', { retryAfterSeconds: 10 });
    const down = await owner.client.post('/api/tasks/standard', standard({ modelName: 'org/model' }));
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '10']);
    expect(resolved).toEqual(['org/model', 'local:mine', 'org/model']);
  });

  test('a repeat with the same Idempotency-Key makes one task, also when both come at once', async () => {
    const headers = { 'idempotency-key': `create-${Date.now()}` };
    const named = standard({ taskName: `once ${Date.now()}` });
    const body = { ...named, hyperparameters: { epochs: 3, batch_size: 8 } };
    const [one, two] = await Promise.all([
      owner.client.post('/api/tasks/standard', body, { headers }),
      owner.client.post('/api/tasks/standard', body, { headers }),
    ]);
    // The same content, whatever order a client writes it in.
    const reordered = { hyperparameters: { batch_size: 8, epochs: 3 }, ...named };
    const again = await owner.client.post('/api/tasks/standard', reordered, { headers });
    expect([one.status, two.status]).toContain(201);
    expect([201, 409]).toContain(Math.max(one.status, two.status));
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(await app.db.mlTask.count({ where: { taskName: body.taskName } })).toBe(1);
    const reused = await owner.client.post('/api/tasks/standard', standard({ taskName: 'other' }), { headers });
    expect(reused.body.error.code).toBe('IDEMPOTENCY_KEY_REUSED');
    const bad = await owner.client.post('/api/tasks/standard', body, { headers: { 'idempotency-key': 'a b' } });
    expect(bad.status).toBe(422);
  });

  test('a call whose answer cannot be kept creates nothing, so that its repeat makes one task', async () => {
    const headers = { 'idempotency-key': `broken-${Date.now()}` };
    const body = standard({ taskName: `broken ${Date.now()}` });
    jest.spyOn(IdempotencyRepository.prototype, 'complete').mockRejectedValueOnce(new Error('it died'));
    expect((await owner.client.post('/api/tasks/standard', body, { headers })).status).toBe(500);
    expect(await app.db.mlTask.count({ where: { taskName: body.taskName } })).toBe(0);
    expect((await owner.client.post('/api/tasks/standard', body, { headers })).status).toBe(201);
    expect(await app.db.mlTask.count({ where: { taskName: body.taskName } })).toBe(1);
  });
});

test('the list filters by status and mode and pages by key', async () => {
  const person = await createPerson(app);
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) ids.unshift((await createTask(app.db, person.userId)).taskId);
  await createTask(app.db, person.userId, { status: 'FAILED', taskMode: 'STANDARD' });
  const taskIds = (body: { items: { taskId: string }[] }) => body.items.map(({ taskId }) => taskId);
  const first = await person.client.get('/api/tasks?status=PENDING&taskMode=CONTINUOUS&limit=2');
  const second = await person.client.get(
    `/api/tasks?status=PENDING&taskMode=CONTINUOUS&limit=2&cursor=${first.body.nextCursor}`,
  );
  expect([...taskIds(first.body), ...taskIds(second.body)]).toEqual(ids);
  expect(second.body.nextCursor).toBeNull();
  expect((await person.client.get('/api/tasks?taskMode=STANDARD')).body.items).toHaveLength(1);
  expect((await person.client.get('/api/tasks?status=DONE')).status).toBe(422);
});

test("administrators list everyone's tasks, or one user's; others list their own", async () => {
  const [person, another] = [await createPerson(app), await createPerson(app)];
  const [mine, theirs] = [await createTask(app.db, person.userId), await createTask(app.db, another.userId)];
  const list = async ({ client }: Person, query = '') => {
    const { status, body } = await client.get(`/api/tasks?limit=100${query}`);
    return [status, body.items?.map(({ taskId }: { taskId: string }) => taskId)];
  };
  expect(await list(admin)).toEqual([200, expect.arrayContaining([mine.taskId, theirs.taskId])]);
  expect(await list(admin, `&userId=${another.userId}`)).toEqual([200, [theirs.taskId]]);
  expect(await list(person)).toEqual([200, [mine.taskId]]);
  expect(await list(person, `&userId=${person.userId}`)).toEqual([200, [mine.taskId]]);
  expect(await list(person, `&userId=${another.userId}`)).toEqual([403, undefined]);
  expect(await list(admin, '&userId=x')).toEqual([422, undefined]);
});

test("every route of another user's task answers exactly like that of a missing one", async () => {
  const { taskId } = await createTask(app.db, owner.userId, { status: 'TRAINING', workflowStartedAt: new Date() });
  const missing = 'task_aaaaaaaaaaaaaaaaaaaaaaaaaa';
  const reads = ['', '/executions', '/decisions', '/metrics', '/report', '/evaluations/0', '/events'];
  for (const suffix of reads) {
    const [a, b] = [
      await other.client.get(`/api/tasks/${taskId}${suffix}`),
      await other.client.get(`/api/tasks/${missing}${suffix}`),
    ];
    expect([a.status, masked(a.text)]).toEqual([404, masked(b.text)]);
  }
  for (const verb of ['start', 'pause', 'resume', 'cancel']) {
    const [a, b] = [
      await other.client.post(`/api/tasks/${taskId}/${verb}`),
      await other.client.post(`/api/tasks/${missing}/${verb}`),
    ];
    expect([a.status, masked(a.text)]).toEqual([404, masked(b.text)]);
  }
  expect((await other.client.patch(`/api/tasks/${taskId}/stop-conditions`, { maxIterations: 2 })).status).toBe(404);
  expect(app.workflows.calls).toEqual([]);
  expect((await admin.client.get(`/api/tasks/${taskId}`)).status).toBe(200);
});
