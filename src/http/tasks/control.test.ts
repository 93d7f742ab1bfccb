import { AppError } from '../../domain/errors';
import { isTerminal, TASK_STATUSES } from '../../domain/task-status';
import { openTestApp, type TestApp } from '../../testing/app';
import { until } from '../../testing/until';
import { createDataset, createPerson, createTask, type Person } from '../../testing/factories';

let app: TestApp;
let owner: Person;
beforeAll(async () => {
  app = await openTestApp();
  owner = await createPerson(app);
});
beforeEach(() => app.workflows.reset());
afterAll(() => app.close());

const row = (taskId: string) => app.db.mlTask.findUniqueOrThrow({ where: { taskId } });

describe('start', () => {
  test('keeps the wish, starts the workflow with what the task is, and repeating it starts nothing new', async () => {
    const source = await createDataset(app.db, owner.userId, { format: 'csv', columns: { text: 0 } });
    const { taskId } = await createTask(app.db, owner.userId, {
      datasetId: source.datasetId,
      hyperparameters: { epochs: 2 },
    });
    const started = await owner.client.post(`/api/tasks/${taskId}/start`);
    expect([started.status, started.body.startedAt]).toEqual([202, expect.any(String)]);
    expect(app.workflows.calls).toEqual([
      {
        name: 'start',
        args: [
          expect.objectContaining({
            taskId,
            mode: 'CONTINUOUS',
            hyperparameters: { epochs: 2 },
            source: {
              datasetId: source.datasetId,
              key: source.storagePath,
              sha256: source.sha256,
              format: 'csv',
              columns: { text: 0 },
            },
            test: null,
            stopConditions: {
              maxIterations: 5,
              performanceThreshold: 0.9,
              rule: 'point',
              plateau: null,
              budget: null,
              deadline: null,
            },
          }),
        ],
      },
    ]);
    const again = await owner.client.post(`/api/tasks/${taskId}/start`);
    expect([again.status, again.body.startedAt]).toEqual([200, started.body.startedAt]);
    expect(app.workflows.calls).toHaveLength(1);
  });

  test('with Temporal down the wish is kept for the sweeper, and a later start gets through', async () => {
    const { taskId } = await createTask(app.db, owner.userId);
    app.workflows.goDown();
    expect((await owner.client.post(`/api/tasks/${taskId}/start`)).status).toBe(202);
    expect(await row(taskId)).toMatchObject({ startRequestedAt: expect.any(Date), workflowStartedAt: null });
    app.workflows.reset();
    expect((await owner.client.post(`/api/tasks/${taskId}/start`)).body.startedAt).not.toBeNull();
  });

  test('a task that is cancelled while its start is being taken is not started', async () => {
    const { taskId } = await createTask(app.db, owner.userId);
    let pending: ReturnType<typeof owner.client.post> | null = null;
    // The start waits for the row, which the cancel holds.
    await app.db.$transaction(async (tx) => {
      await tx.mlTask.update({ where: { taskId }, data: { status: 'CANCELLED' } });
      pending = owner.client.post(`/api/tasks/${taskId}/start`);
      await until('the start to wait for the row', async () => {
        const [{ waiting }] = await app.db.$queryRaw<[{ waiting: bigint }]>`
          SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%start_requested_at%'
            AND datname = current_database()`;
        return waiting > 0n;
      });
    });
    const answer = await (pending as unknown as Promise<{ status: number }>);
    expect(answer.status).toBe(409);
    expect(app.workflows.calls).toEqual([]);
  });

  test.each(['COMPLETED', 'FAILED', 'CANCELLED'] as const)(
    'a task that is %s cannot be started again',
    async (status) => {
      const { taskId } = await createTask(app.db, owner.userId, { status });
      const answer = await owner.client.post(`/api/tasks/${taskId}/start`);
      expect([answer.status, answer.body.error.code]).toEqual([409, 'ILLEGAL_TRANSITION']);
      expect(app.workflows.calls).toEqual([]);
    },
  );
});

describe('pause, resume, cancel', () => {
  const live = { startRequestedAt: new Date(), workflowStartedAt: new Date() };
  const cases = (['pause', 'resume', 'cancel', 'fail'] as const).flatMap((verb) =>
    TASK_STATUSES.map((status) => [verb, status] as const),
  );

  // The row may be a moment behind: only the workflow knows whether a task that is live can be paused or resumed.
  test.each(cases)(
    '%s of a started task that is %s: its workflow is asked unless the task is over',
    async (verb, status) => {
      const { taskId } = await createTask(app.db, owner.userId, { status, ...live });
      const answer = await owner.client.post(`/api/tasks/${taskId}/${verb}`, { reason: 'lunch' });
      if (!isTerminal(status)) {
        expect([200, 202]).toContain(answer.status);
        expect(app.workflows.calls).toEqual([
          { name: verb, args: [taskId, { actor: `user:${owner.userId}`, reason: 'lunch' }] },
        ]);
      } else {
        expect([answer.status, answer.body.error.code]).toEqual([409, 'ILLEGAL_TRANSITION']);
        expect(app.workflows.calls).toEqual([]);
      }
    },
  );

  test.each(['pause', 'resume'] as const)('%s is refused with the reason the workflow gives', async (verb) => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'SUSPENDED', ...live });
    app.workflows.fault = new AppError('ILLEGAL_TRANSITION', 'the task is suspended already');
    const answer = await owner.client.post(`/api/tasks/${taskId}/${verb}`);
    expect([answer.status, answer.body.error]).toEqual([
      409,
      expect.objectContaining({ code: 'ILLEGAL_TRANSITION', message: 'the task is suspended already' }),
    ]);
  });

  test('a task that was never started can be neither paused nor resumed nor failed', async () => {
    const { taskId } = await createTask(app.db, owner.userId);
    for (const verb of ['pause', 'resume', 'fail']) {
      const answer = await owner.client.post(`/api/tasks/${taskId}/${verb}`);
      expect([answer.status, answer.body.error.code]).toEqual([409, 'ILLEGAL_TRANSITION']);
    }
    expect(app.workflows.calls).toEqual([]);
  });

  test('pause shows what the workflow answered', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'TRAINING', ...live });
    app.workflows.answer = { status: 'TRAINING', controlState: 'pausing' };
    const answer = await owner.client.post(`/api/tasks/${taskId}/pause`);
    expect([answer.status, answer.body.status, answer.body.controlState]).toEqual([202, 'TRAINING', 'pausing']);
  });

  test('cancel of a live task is shown as under way until the workflow has ended it', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'TRAINING', ...live });
    const answer = await owner.client.post(`/api/tasks/${taskId}/cancel`, { reason: 'wrong data' });
    expect([answer.status, answer.body.controlState, answer.body.controlReason]).toEqual([
      202,
      'cancelling',
      'wrong data',
    ]);
    expect(answer.body.status).toBe('TRAINING');
    // The end that was asked for first is the one it comes to.
    const failed = await owner.client.post(`/api/tasks/${taskId}/fail`);
    expect([failed.status, failed.body.error.message]).toEqual([
      409,
      'a task that is being cancelled or failed cannot be failed',
    ]);
    expect((await owner.client.post(`/api/tasks/${taskId}/cancel`)).status).toBe(202);
  });

  test('a task that was never started is CANCELLED at once, with event and decision, and cannot be paused', async () => {
    const { taskId } = await createTask(app.db, owner.userId);
    expect((await owner.client.post(`/api/tasks/${taskId}/pause`)).status).toBe(409);
    const answer = await owner.client.post(`/api/tasks/${taskId}/cancel`, { reason: 'no need' });
    expect([answer.status, answer.body.status, answer.body.completedAt]).toEqual([
      200,
      'CANCELLED',
      expect.any(String),
    ]);
    expect(app.workflows.calls).toEqual([]);
    const decisions = await owner.client.get(`/api/tasks/${taskId}/decisions`);
    expect(decisions.body.items).toEqual([
      expect.objectContaining({ kind: 'cancel', actor: `user:${owner.userId}`, facts: { reason: 'no need' } }),
    ]);
    expect(await app.db.taskEvent.count({ where: { taskId, type: 'task.status' } })).toBe(1);
  });

  test('a start that has not got through is called off in the row when there is no workflow to cancel', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { startRequestedAt: new Date() });
    app.workflows.goDown();
    expect((await owner.client.post(`/api/tasks/${taskId}/cancel`)).body.status).toBe('CANCELLED');
  });

  test('with Temporal down a live task answers 503 with Retry-After and stays as it is', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'TRAINING', ...live });
    app.workflows.goDown();
    for (const verb of ['pause', 'cancel']) {
      const answer = await owner.client.post(`/api/tasks/${taskId}/${verb}`);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    }
    expect((await row(taskId)).controlState).toBe('none');
  });

  test('a workflow that ended meanwhile is an illegal transition, not a missing task', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'EVALUATING', ...live });
    app.workflows.fault = new AppError('NOT_FOUND', 'a running workflow of this task not found');
    const answer = await owner.client.post(`/api/tasks/${taskId}/pause`);
    expect([answer.status, answer.body.error.code]).toEqual([409, 'ILLEGAL_TRANSITION']);
  });

  test('a cancel of a task whose workflow is gone ends its row, and what its row shows as running', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'TRAINING', seq: 4, ...live });
    const running = { taskId, iteration: 0, phase: 'training', segment: 0, status: 'running' } as const;
    await app.db.taskExecution.create({ data: { ...running, startedAt: new Date() } });
    app.workflows.fault = new AppError('NOT_FOUND', 'a running workflow of this task not found');
    const answer = await owner.client.post(`/api/tasks/${taskId}/cancel`, { reason: 'Temporal lost it' });
    expect([answer.status, answer.body.status]).toEqual([200, 'CANCELLED']);
    expect(await row(taskId)).toMatchObject({ status: 'CANCELLED', seq: 5, controlReason: 'Temporal lost it' });
    const execution = await app.db.taskExecution.findFirstOrThrow({ where: { taskId } });
    expect(execution).toMatchObject({ status: 'cancelled', completedAt: expect.any(Date) });
    const events = await app.db.taskEvent.findMany({ where: { taskId, seq: 5 } });
    expect(events.map(({ payload }) => payload)).toMatchObject([{ status: 'CANCELLED', from: 'TRAINING' }]);
  });
});

describe('a suspended task', () => {
  const live = { status: 'SUSPENDED', startRequestedAt: new Date(), workflowStartedAt: new Date() } as const;
  const change = { checkpoint_interval_seconds: 45 };

  test('shows who suspended it, why and since when', async () => {
    const at = Date.parse('2030-01-01T00:00:00Z');
    const said = { by: 'user:7', reason: 'lunch', resumesTo: 'TRAINING' };
    const suspension = { ...said, requestedAt: at, since: at + 1500 };
    const { taskId } = await createTask(app.db, owner.userId, { ...live, suspension });
    const { body } = await owner.client.get(`/api/tasks/${taskId}`);
    const times = { requestedAt: '2030-01-01T00:00:00.000Z', since: '2030-01-01T00:00:01.500Z' };
    expect(body.suspension).toEqual({ ...said, ...times });
  });

  test('takes hyperparameters that do not decide its result, from its workflow', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { ...live, hyperparameters: { epochs: 2 } });
    const answer = await owner.client.patch(`/api/tasks/${taskId}/hyperparameters`, change);
    expect([answer.status, answer.body.hyperparameters]).toEqual([200, change]);
    expect(app.workflows.calls).toEqual([
      { name: 'updateHyperparameters', args: [taskId, { hyperparameters: change, actor: `user:${owner.userId}` }] },
    ]);
  });

  test.each([
    [{ learning_rate: 0.1 }, /learning_rate: would change what the training ends with/],
    [{ checkpoint_interval_seconds: 'often' }, /must be a number from 1 to 86400/],
    [{}, /name at least one/],
  ])('refuses %j, which would make another training of it or is no value', async (wrong, message) => {
    const { taskId } = await createTask(app.db, owner.userId, live);
    const { status, body } = await owner.client.patch(`/api/tasks/${taskId}/hyperparameters`, wrong);
    expect([status, body.error.code, body.error.message]).toEqual([
      422,
      'HYPERPARAMETER_INVALID',
      expect.stringMatching(message),
    ]);
    const [{ field, message: why }] = body.error.details.fields;
    expect(`${field}: ${why}`).toBe(body.error.message);
    expect(field).toMatch(/^hyperparameters(\.\w+)?$/);
    expect(app.workflows.calls).toEqual([]);
  });

  test('a task that is over takes no hyperparameters', async () => {
    const { taskId } = await createTask(app.db, owner.userId, { status: 'COMPLETED' });
    expect((await owner.client.patch(`/api/tasks/${taskId}/hyperparameters`, change)).status).toBe(409);
  });
});

describe('stop conditions', () => {
  test('of a task that was not started are changed in its row, and the ledger has it', async () => {
    const { taskId } = await createTask(app.db, owner.userId);
    for (const maxIterations of [7, 8]) {
      const answer = await owner.client.patch(`/api/tasks/${taskId}/stop-conditions`, { maxIterations });
      expect([answer.status, answer.body.maxIterations, answer.body.performanceThreshold]).toEqual([
        200,
        maxIterations,
        0.9,
      ]);
    }
    const { body } = await owner.client.get(`/api/tasks/${taskId}/decisions`);
    expect(body.items.map((one: { kind: string }) => one.kind)).toEqual([
      'edit-stop-conditions',
      'edit-stop-conditions',
    ]);
    expect((await row(taskId)).seq).toBe(0);
  });

  test('of a running task are asked from its workflow, and its answer counts, not the row', async () => {
    const live = { status: 'TRAINING', workflowStartedAt: new Date(), startRequestedAt: new Date() } as const;
    const { taskId } = await createTask(app.db, owner.userId, live);
    const change = { performanceThreshold: null, stopPolicies: { plateau: { patience: 3, minimumGain: 0 } } };
    app.workflows.stopConditions = {
      ...app.workflows.stopConditions,
      maxIterations: 77,
      plateau: change.stopPolicies.plateau,
    };
    const answer = await owner.client.patch(`/api/tasks/${taskId}/stop-conditions`, change);
    expect([answer.status, answer.body]).toEqual([
      200,
      expect.objectContaining({
        maxIterations: 77,
        performanceThreshold: null,
        stopPolicies: expect.objectContaining({ plateau: { patience: 3, minimumGain: 0 } }),
      }),
    ]);
    expect(app.workflows.calls).toEqual([
      {
        name: 'updateStopConditions',
        args: [
          taskId,
          { performanceThreshold: null, plateau: { patience: 3, minimumGain: 0 }, actor: `user:${owner.userId}` },
        ],
      },
    ]);
  });

  test('of a STANDARD or an ended task cannot be changed', async () => {
    const one = await createTask(app.db, owner.userId, { taskMode: 'STANDARD' });
    const ended = await createTask(app.db, owner.userId, { status: 'COMPLETED' });
    for (const { taskId } of [one, ended]) {
      expect((await owner.client.patch(`/api/tasks/${taskId}/stop-conditions`, { maxIterations: 3 })).status).toBe(409);
    }
    expect((await owner.client.patch(`/api/tasks/${one.taskId}/stop-conditions`, {})).status).toBe(422);
  });
});
