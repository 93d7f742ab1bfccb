import type { RetentionReport } from '../../contracts/maintenance';
import { GARBAGE_REASONS } from '../../domain/reachability';
import { openTestApp, type TestApp } from '../../testing/app';
import { createPerson, type Person } from '../../testing/factories';
import { retentionSchema } from './schemas';

let app: TestApp;
let admin: Person;
beforeAll(async () => {
  app = await openTestApp();
  admin = await createPerson(app, 'ADMIN');
});
afterAll(() => app.close());
beforeEach(() => {
  app.retention.started.length = 0;
  app.retention.result = null;
});

const REPORT: RetentionReport = {
  ...{ dryRun: true, startedAt: '2030-01-01T00:00:00.000Z', graceHours: 24, retentionDays: 7 },
  listed: { objects: 5, bytes: 50 },
  garbage: {
    checkpoint: { objects: 2, bytes: 20, examples: ['models/task_a/0/s0/attempt-1/checkpoint-1/manifest.json'] },
  },
  ...{ datasetsCollected: 0, uploadsEnded: 0, failed: 0, notOurs: 1 },
};

test('a dry run answers with its report, each reason with why', async () => {
  app.retention.result = REPORT;
  const answer = await admin.client.post('/api/admin/retention', { dryRun: true });
  expect(answer.status).toBe(200);
  const { report, retentionId } = retentionSchema.parse(answer.body);
  expect(retentionId).toBe('dry-run_1');
  expect(report?.garbage.checkpoint).toMatchObject({ objects: 2, bytes: 20, why: GARBAGE_REASONS.checkpoint });
  expect(app.retention.started).toEqual([true]);
});

test('a pass that takes its time is told of by its id, and asked for until it is done', async () => {
  const begun = await admin.client.post('/api/admin/retention', { dryRun: false });
  expect([begun.status, begun.body]).toEqual([202, { retentionId: 'by-hand_1', report: null }]);
  app.retention.result = { ...REPORT, dryRun: false };
  const done = await admin.client.get('/api/admin/retention/by-hand_1');
  expect([done.status, done.body.report.dryRun]).toEqual([200, false]);
  expect(app.retention.started).toEqual([false]);
});

test.each([{}, { dryRun: 'false' }, { dryRun: null }, { dryRun: true, prefix: 'models/' }])(
  'nothing is removed by a body that does not say clearly what is wanted: %j',
  async (body) => {
    expect((await admin.client.post('/api/admin/retention', body)).status).toBe(422);
    expect(app.retention.started).toEqual([]);
  },
);

test('what is no id of a pass is missing', async () => {
  for (const id of ['x', 'wlops-task-1', 'dry-run_', '%2e%2e'])
    expect((await admin.client.get(`/api/admin/retention/${id}`)).status).toBe(404);
});
