import { startMaintenanceWorkers } from '../testing/maintenance-worker';
import { openTestTemporal, type TestTemporal } from '../testing/temporal';
import { until } from '../testing/until';
import { SCHEDULE_IDS } from '../contracts/maintenance';
import { eventually } from '../eventually';
import { ensureSchedules, type ScheduleSettings } from './schedules';

const quiet = { info: () => undefined, warn: () => undefined };
/** So seldom that none of them runs by itself. */
const SELDOM: ScheduleSettings = { sweepStartsSeconds: 86_400, reconcileSeconds: 86_400, retentionSeconds: 86_400 };

let temporal: TestTemporal;
beforeEach(async () => {
  temporal = await openTestTemporal();
});
afterEach(() => temporal?.close());

/** As the worker does it: a schedule does not answer while it is busy with a change, longer on a machine that is. */
const ensure = (settings = SELDOM) =>
  eventually(
    'the schedules',
    () => ensureSchedules(temporal.client, settings, quiet),
    quiet,
    new AbortController().signal,
  );
const sweeps = () => temporal.client.schedule.getHandle(SCHEDULE_IDS.sweepStarts);
const described = () =>
  until('the schedule to answer', () =>
    sweeps()
      .describe()
      .catch(() => null),
  );

test('workers that start at once leave one schedule each, and the next one finds nothing to do', async () => {
  const outcomes = await Promise.all([ensure(), ensure(), ensure()]);
  for (const scheduleId of Object.values(SCHEDULE_IDS)) {
    const done = outcomes.map((one) => one?.[scheduleId]);
    expect([scheduleId, done.filter((one) => one === 'created').length]).toEqual([scheduleId, 1]);
    const { policies, state, action } = await temporal.client.schedule.getHandle(scheduleId).describe();
    expect(policies).toMatchObject({ overlap: 'SKIP', pauseOnFailure: false });
    expect(policies.catchupWindow).toBeLessThanOrEqual(600_000);
    expect([state.paused, state.note, action.staticSummary]).toEqual([false, expect.any(String), expect.any(String)]);
    expect(Buffer.byteLength(action.staticSummary ?? '')).toBeLessThanOrEqual(200);
  }
  expect(Object.values((await ensure()) ?? {})).toEqual(Object.values(SCHEDULE_IDS).map(() => 'unchanged'));
});

test('a schedule of an older version is brought up to date', async () => {
  await temporal.client.schedule.create({
    scheduleId: SCHEDULE_IDS.sweepStarts,
    spec: { intervals: [{ every: '1h' }], jitter: '1m' },
    policies: { overlap: 'ALLOW_ALL' },
    action: { type: 'startWorkflow', workflowType: 'ofOld', taskQueue: 'elsewhere' },
  });
  expect(await ensure()).toMatchObject({ [SCHEDULE_IDS.sweepStarts]: 'updated' });
  const { spec, policies, action } = await described();
  expect(spec.intervals).toEqual([{ every: 86_400_000, offset: 0 }]);
  expect(spec.jitter ?? 0).toBe(0);
  expect(policies.overlap).toBe('SKIP');
  expect(action).toMatchObject({ workflowType: 'sweepStarts', taskQueue: 'wlops-main' });
});

test('other settings change the schedule, and an operator’s pause with its note stays', async () => {
  await ensure();
  await sweeps().pause('looking into something');
  expect(await ensure()).toMatchObject({ [SCHEDULE_IDS.sweepStarts]: 'unchanged' });
  expect(await ensure({ ...SELDOM, sweepStartsSeconds: 30 })).toMatchObject({ [SCHEDULE_IDS.sweepStarts]: 'updated' });
  const { spec, state } = await described();
  expect(spec.intervals).toEqual([{ every: 30_000, offset: 0 }]);
  expect(state).toMatchObject({ paused: true, note: 'looking into something' });
});

test('without retention there is no schedule of it, also where there was one', async () => {
  await ensure();
  expect(await ensure({ ...SELDOM, retentionSeconds: null })).toMatchObject({ [SCHEDULE_IDS.retention]: 'removed' });
  await expect(temporal.client.schedule.getHandle(SCHEDULE_IDS.retention).describe()).rejects.toThrow();
  expect(await ensure({ ...SELDOM, retentionSeconds: null })).toMatchObject({ [SCHEDULE_IDS.retention]: 'unchanged' });
});

test('the schedule of sweeps runs by itself, and each run leaves a handful of events', async () => {
  let swept = 0;
  const end = await startMaintenanceWorkers(temporal, {
    sweepStartsInDoubt: async () => ({ started: (swept += 1) }),
  });
  try {
    await ensure({ ...SELDOM, sweepStartsSeconds: 1 });
    await until('two sweeps by the schedule', () => swept >= 2);
    const { info } = await until('a run to be told of', async () => {
      const description = await described();
      return description.info.recentActions.length > 0 && description;
    });
    const { workflowId, firstExecutionRunId } = info.recentActions[0]?.action.workflow ?? { workflowId: '' };
    const run = temporal.client.workflow.getHandle(workflowId, firstExecutionRunId);
    expect(await run.result()).toEqual({ started: expect.any(Number) });
    expect((await run.fetchHistory()).events?.length).toBeLessThanOrEqual(8);
  } finally {
    await end();
  }
});
