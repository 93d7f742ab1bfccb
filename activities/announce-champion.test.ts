import type { WorkflowClient } from '@temporalio/client';
import { createActivities } from '.';
import type { DecisionRecord, TaskChange } from '../src/contracts/task-record';
import type { TaskRecordRepository } from '../src/repositories/task-records';
import { activityEnvironment } from '../src/testing/activity-environment';
import { fail, FakeJobService, reply, TEST_SERVICE_SECRET } from '../src/testing/fake-job-service';
import { announceChampion } from './announce-champion';
import { PythonJobClient } from './python-job-client';

let service: FakeJobService;
let trainer: PythonJobClient;
let written: TaskChange[];
/** What the trainer was told, with how many changes had been written by then. */
let told: { path?: string; body: unknown; written: number }[];

beforeEach(async () => {
  [service, written, told] = [new FakeJobService(), [], []];
  const baseUrl = `http://127.0.0.1:${await service.listen()}`;
  trainer = new PythonJobClient({ service: 'trainer', baseUrl, serviceSecret: TEST_SERVICE_SECRET });
  answer((response) => reply(response, 200, { moved: true, model: 'wlops-task_a', version: '2', reason: null }));
});
afterEach(() => service.close());

function answer(behave: (response: Parameters<typeof reply>[0]) => void): void {
  service.intercept = (request, response, body) => {
    expect(request.headers.authorization).toMatch(/^Bearer ./);
    told.push({ path: `${request.method} ${request.url}`, body, written: written.length });
    behave(response);
    return true;
  };
}

const decision = (kind: DecisionRecord['kind'], iteration: number): DecisionRecord => ({
  kind,
  iteration,
  facts: {},
  actor: 'workflow',
});

function change(...decisions: DecisionRecord[]): TaskChange {
  const place = { taskId: 'task_a', userId: 1, seq: 3, at: 0, status: 'LOOPING', controlState: 'none' } as const;
  return { ...place, fields: {}, executions: [], decisions, datasets: [] };
}

/** The worker's own activity; only the database is made up. */
function record(toRecord: TaskChange, mirrorsChampion = true): Promise<void> {
  const { recordTask } = createActivities({
    records: { apply: async (applied: TaskChange) => void written.push(applied) } as unknown as TaskRecordRepository,
    jobClients: { optimizer: trainer, trainer, evaluator: trainer },
    files: { write: async () => undefined, readJson: async () => null, sizeOf: async () => 0 },
    workflowClient: {} as WorkflowClient,
    mirrorsChampion,
  });
  return activityEnvironment().run(recordTask, toRecord);
}

test('a promotion is announced once it is written', async () => {
  await record(change(decision('promote', 2), decision('continue', 2)));
  const body = { taskId: 'task_a', iteration: 2 };
  expect(told).toEqual([{ path: 'POST /api/v1/models/champion', body, written: 1 }]);
});

test('nothing is announced without a promotion, or without a tracking server', async () => {
  await record(change(decision('keep', 2), decision('stop', 2)));
  await record(change(decision('promote', 2)), false);
  expect([written.length, told]).toEqual([2, []]);
});

test('of several promotions in one change the last is the champion', async () => {
  await record(change(decision('promote', 0), decision('promote', 1)));
  expect(told.map(({ body }) => body)).toEqual([{ taskId: 'task_a', iteration: 1 }]);
});

test.each([
  ['refuses', (response) => fail(response, 503, 'BUSY', 'later')],
  ['answers nonsense', (response) => response.end('<html>')],
  ['answers another question', (response) => reply(response, 200, { moved: 'perhaps' })],
  ['hangs up', (response) => response.destroy()],
  [
    'could not move it',
    (response) => reply(response, 200, { moved: false, model: 'm', version: null, reason: 'gone' }),
  ],
] satisfies [string, Parameters<typeof answer>[0]][])('a trainer that %s fails no record', async (_, misbehave) => {
  answer(misbehave);
  await record(change(decision('promote', 1)));
  expect([written.length, told.length]).toEqual([1, 1]);
});

test('a trainer that is not there fails no record', async () => {
  await service.close();
  await record(change(decision('promote', 1)));
  expect(written).toHaveLength(1);
});

test('a trainer that does not answer is waited for no longer than allowed', async () => {
  answer(() => undefined);
  const startedAt = performance.now();
  await activityEnvironment().run(() => announceChampion(trainer, change(decision('promote', 1)), 100));
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  expect(told).toHaveLength(1);
});

test('a change that cannot be written is announced to nobody', async () => {
  const records = { apply: () => Promise.reject(new Error('the database is down')) };
  const { recordTask } = createActivities({
    records: records as unknown as TaskRecordRepository,
    jobClients: { optimizer: trainer, trainer, evaluator: trainer },
    files: { write: async () => undefined, readJson: async () => null, sizeOf: async () => 0 },
    workflowClient: {} as WorkflowClient,
    mirrorsChampion: true,
  });
  await expect(activityEnvironment().run(recordTask, change(decision('promote', 1)))).rejects.toThrow();
  expect(told).toEqual([]);
});
