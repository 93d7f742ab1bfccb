import { MESSAGE_NAMES, type TaskStatusView } from '../src/contracts/task-workflow';
import {
  cancelTask,
  pauseTask,
  queryTaskProgress,
  queryTaskStatus,
  resumeTask,
  updateStopConditions,
} from '../src/temporal/control-task';
import { gate } from '../src/testing/gate';
import { taskSpec } from '../src/testing/job-results';
import { jobFailure, TaskHarness, type ScriptedPhase } from '../src/testing/task-harness';
import { until } from '../src/testing/until';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
});
afterAll(() => harness?.close());

const CANCELLED = { cancelled: true, type: null };
const PHASES = [
  ['optimization', 'OPTIMIZING', 'TRAINING', 'optimizer'],
  ['training', 'TRAINING', 'EVALUATING', 'trainer'],
  ['evaluation', 'EVALUATING', 'EVALUATING', 'evaluator'],
] as const satisfies readonly (readonly [ScriptedPhase, string, string, string])[];

describe.each(PHASES)('a task in its %s phase', (phase, status, next, service) => {
  test('pauses when the phase has ended, and resumes where it would have gone', async () => {
    const task = taskSpec();
    const job = harness.hold(task.taskId, phase);
    await harness.start(task);
    await job.reached;
    const { client } = harness.temporal;
    expect(await pauseTask(client, task.taskId, { reason: 'GPU needed', actor: 'user:1' })).toEqual({
      status,
      controlState: 'pausing',
    });
    job.letGo();
    await harness.reaches(task.taskId, 'SUSPENDED');
    expect(await queryTaskStatus(client, task.taskId)).toMatchObject({
      status: 'SUSPENDED',
      controlState: 'none',
      resumesTo: next,
    });
    expect(await resumeTask(client, task.taskId)).toEqual({ status: 'SUSPENDED', controlState: 'resuming' });
    expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
    const statuses = harness.statuses(task.taskId);
    const at = statuses.indexOf('SUSPENDED');
    expect(statuses.slice(at - 1, at + 2)).toEqual([status, 'SUSPENDED', next]);
    expect(harness.decisions(task.taskId)).toEqual(expect.arrayContaining(['pause', 'resume']));
    const pause = harness.changesOf(task.taskId).find((change) => change.controlState === 'pausing');
    expect(pause).toMatchObject({ fields: { controlReason: 'GPU needed' }, decisions: [{ actor: 'user:1' }] });
  });

  test.each(['native', 'signal'] as const)(
    'cancelled by %s cancel ends cancelled and its remote job is stopped',
    async (how) => {
      const task = taskSpec();
      const job = harness.hold(task.taskId, phase);
      await harness.start(task);
      await job.reached;
      if (how === 'native') await harness.handle(task.taskId).cancel();
      else await cancelTask(harness.temporal.client, task.taskId, { reason: 'wrong data', actor: 'user:1' });
      expect(await harness.outcome(task.taskId)).toEqual(CANCELLED);
      expect((await harness.handle(task.taskId).describe()).status.name).toBe('CANCELLED');
      expect(harness.stopped).toContainEqual({ service, jobKey: `${task.taskId}/0/${phase}/0` });
      const last = harness.changesOf(task.taskId).at(-1);
      expect(last).toMatchObject({ status: 'CANCELLED', controlState: 'none' });
      const executions = harness.changesOf(task.taskId).flatMap((change) => change.executions);
      expect(executions.at(-1)).toMatchObject({ phase, status: 'cancelled' });
      const cancels = harness
        .changesOf(task.taskId)
        .flatMap((change) => change.decisions)
        .filter((one) => one.kind === 'cancel');
      expect(cancels).toHaveLength(1);
      expect(cancels[0]).toMatchObject(
        how === 'native' ? { actor: 'operator' } : { actor: 'user:1', facts: { reason: 'wrong data' } },
      );
      expect(harness.reports).toContain(task.taskId);
    },
  );
});

test.each(['native', 'signal'] as const)(
  'a suspended task is cancelled by %s cancel without a job to stop',
  async (how) => {
    const task = taskSpec();
    const job = harness.hold(task.taskId, 'optimization');
    await harness.start(task);
    await job.reached;
    await pauseTask(harness.temporal.client, task.taskId);
    job.letGo();
    await harness.reaches(task.taskId, 'SUSPENDED');
    if (how === 'native') await harness.handle(task.taskId).cancel();
    else await cancelTask(harness.temporal.client, task.taskId);
    expect(await harness.outcome(task.taskId)).toEqual(CANCELLED);
    expect(harness.statuses(task.taskId)).toEqual(['OPTIMIZING', 'SUSPENDED', 'CANCELLED']);
    expect(harness.stopped.filter(({ jobKey }) => jobKey.startsWith(task.taskId))).toEqual([]);
  },
);

test('a task is cancelled at once while its job waits for another attempt', async () => {
  const task = taskSpec();
  let attempts = 0;
  harness.script(task.taskId, 'training', async () => {
    attempts += 1;
    throw new Error('the trainer is down');
  });
  await harness.start(task);
  // The waits double from 1 s, so there are seconds of waiting after the third attempt.
  await until('three attempts', () => attempts === 3);
  const asked = Date.now();
  await harness.handle(task.taskId).cancel();
  expect(await harness.outcome(task.taskId)).toEqual(CANCELLED);
  expect(Date.now() - asked).toBeLessThan(3000);
  expect(attempts).toBe(3);
  expect(harness.stopped).toContainEqual({ service: 'trainer', jobKey: `${task.taskId}/0/training/0` });
});

test('the final test can be cancelled too, and its job is stopped by its own key', async () => {
  const task = taskSpec();
  const final = harness.hold(task.taskId, 'final');
  await harness.start(task);
  await final.reached;
  await harness.handle(task.taskId).cancel();
  expect(await harness.outcome(task.taskId)).toEqual(CANCELLED);
  expect(harness.stopped).toContainEqual({ service: 'evaluator', jobKey: `${task.taskId}/0/final/0` });
  expect(harness.statuses(task.taskId).at(-1)).toBe('CANCELLED');
});

test('a pause asked for while a resume is being written takes hold before the next phase begins', async () => {
  const task = taskSpec();
  const training = harness.hold(task.taskId, 'training');
  const resuming = gate();
  harness.beforeRecord = async ({ taskId, status }) => {
    if (taskId === task.taskId && status === 'EVALUATING') await resuming.opened;
  };
  const { client } = harness.temporal;
  await harness.start(task);
  await training.reached;
  await pauseTask(client, task.taskId);
  training.letGo();
  await harness.reaches(task.taskId, 'SUSPENDED');
  await resumeTask(client, task.taskId);
  await until('the task to go on', async () => (await queryTaskStatus(client, task.taskId)).status === 'EVALUATING');
  await pauseTask(client, task.taskId);
  resuming.open();
  const suspensions = () => harness.statuses(task.taskId).filter((status) => status === 'SUSPENDED').length;
  await until('the second pause to take hold', () => suspensions() === 2);
  expect(harness.requests.filter((one) => one.jobKey.startsWith(`${task.taskId}/0/evaluation`))).toEqual([]);
  await resumeTask(client, task.taskId);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
});

test('a pause that was called off before it took hold leaves no trace in the statuses', async () => {
  const task = taskSpec();
  const job = harness.hold(task.taskId, 'training');
  await harness.start(task);
  await job.reached;
  await pauseTask(harness.temporal.client, task.taskId);
  expect(await resumeTask(harness.temporal.client, task.taskId)).toEqual({ status: 'TRAINING', controlState: 'none' });
  job.letGo();
  await harness.outcome(task.taskId);
  expect(harness.statuses(task.taskId)).not.toContain('SUSPENDED');
});

test('signals pause and resume do the same as the updates, whatever their argument holds', async () => {
  const task = taskSpec();
  const job = harness.hold(task.taskId, 'optimization');
  await harness.start(task);
  await job.reached;
  const handle = harness.handle(task.taskId);
  await handle.signal(MESSAGE_NAMES.pause, { reason: { not: 'text' }, actor: '<script>' });
  await until(
    'the pause to be seen',
    async () => (await queryTaskStatus(harness.temporal.client, task.taskId)).controlState === 'pausing',
  );
  job.letGo();
  const suspended = await harness.reaches(task.taskId, 'SUSPENDED');
  expect(suspended.controlState).toBe('none');
  const pause = harness
    .changesOf(task.taskId)
    .flatMap((change) => change.decisions)
    .find((one) => one.kind === 'pause');
  expect(pause).toMatchObject({ actor: 'operator', facts: { reason: null } });
  await handle.signal(MESSAGE_NAMES.resume);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
});

test('a pause signal before the first workflow task suspends the task before it computes anything', async () => {
  const task = taskSpec();
  await harness.endWorkers();
  await harness.start(task);
  await harness.handle(task.taskId).signal(MESSAGE_NAMES.pause);
  await harness.startWorkers();
  await harness.reaches(task.taskId, 'SUSPENDED');
  expect(harness.statuses(task.taskId)).toEqual(['PENDING', 'OPTIMIZING', 'SUSPENDED']);
  expect(harness.requests.filter((one) => one.taskId === task.taskId)).toEqual([]);
  await resumeTask(harness.temporal.client, task.taskId);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
});

test('a pause that comes after a resume, while the suspension is still being written, leaves the task suspended', async () => {
  const task = taskSpec();
  const { client } = harness.temporal;
  const writing = gate();
  harness.beforeRecord = async ({ taskId, status }) => {
    if (taskId === task.taskId && status === 'SUSPENDED') await writing.opened;
  };
  const first = harness.hold(task.taskId, 'optimization');
  await harness.start(task);
  await first.reached;
  await pauseTask(client, task.taskId);
  first.letGo();
  await until('the suspension', async () => (await queryTaskStatus(client, task.taskId)).status === 'SUSPENDED');
  expect(await resumeTask(client, task.taskId)).toEqual({ status: 'SUSPENDED', controlState: 'resuming' });
  expect(await pauseTask(client, task.taskId)).toEqual({ status: 'SUSPENDED', controlState: 'none' });
  writing.open();
  await until(
    'both to be written',
    () => harness.decisions(task.taskId).filter((kind) => kind === 'pause').length === 2,
  );
  expect((await queryTaskStatus(client, task.taskId)).status).toBe('SUSPENDED');
  await resumeTask(client, task.taskId);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
  expect(harness.statuses(task.taskId).filter((status) => status === 'SUSPENDED')).toHaveLength(1);
});

test('what a task cannot do now is refused with the reason', async () => {
  const task = taskSpec();
  const job = harness.hold(task.taskId, 'optimization');
  await harness.start(task);
  await job.reached;
  const { client } = harness.temporal;
  const refused = (message: RegExp) => ({ code: 'ILLEGAL_TRANSITION', message: expect.stringMatching(message) });
  await expect(resumeTask(client, task.taskId)).rejects.toMatchObject(refused(/OPTIMIZING cannot be resumed/));
  await expect(updateStopConditions(client, task.taskId, { maxIterations: 2 })).rejects.toMatchObject(
    refused(/STANDARD/),
  );
  await pauseTask(client, task.taskId);
  job.letGo();
  await harness.reaches(task.taskId, 'SUSPENDED');
  await expect(pauseTask(client, task.taskId)).rejects.toMatchObject(refused(/suspended already/));
  await resumeTask(client, task.taskId);
  await harness.outcome(task.taskId);
  await expect(pauseTask(client, task.taskId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(pauseTask(client, 'task_unknown')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a failure while the task is asked to pause fails the task', async () => {
  const task = taskSpec();
  const job = harness.hold(task.taskId, 'training');
  harness.script(task.taskId, 'training', async (request) => {
    await job.script(request);
    throw jobFailure('TRAINING_DIVERGED');
  });
  await harness.start(task);
  await job.reached;
  await pauseTask(harness.temporal.client, task.taskId);
  job.letGo();
  expect(await harness.outcome(task.taskId)).toEqual({ cancelled: false, type: 'TRAINING_DIVERGED' });
  expect(harness.changesOf(task.taskId).at(-1)).toMatchObject({ status: 'FAILED', controlState: 'none' });
});

test('queries, search attributes and the description for people show where a task stands', async () => {
  const task = taskSpec({ userId: 42 });
  const job = harness.hold(task.taskId, 'evaluation');
  await harness.start(task);
  await job.reached;
  const { client } = harness.temporal;
  expect(await queryTaskStatus(client, task.taskId)).toMatchObject<Partial<TaskStatusView>>({
    taskId: task.taskId,
    status: 'EVALUATING',
    iteration: 0,
    championIteration: null,
  });
  expect(await queryTaskProgress(client, task.taskId)).toEqual({
    iteration: 0,
    maxIterations: 3,
    phase: 'evaluation',
    scoreHistory: [],
    championIteration: null,
  });
  const query = `WlopsUserId = "42" AND WlopsStatus = "EVALUATING" AND WlopsTaskId = "${task.taskId}"`;
  await until('visibility', async () => (await client.workflow.count(query)).count === 1);
  const details = await harness.handle(task.taskId).query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  expect(details.currentDetails).toContain('**EVALUATING**');
  job.letGo();
  await harness.outcome(task.taskId);
});

test('a native cancel shows at once, while the remote job is still being stopped', async () => {
  const task = taskSpec();
  const training = harness.hold(task.taskId, 'training');
  const stopping = gate();
  harness.beforeStop = async ({ jobKey }) => {
    if (jobKey.startsWith(task.taskId)) await stopping.opened;
  };
  await harness.start(task);
  await training.reached;
  await harness.handle(task.taskId).cancel();
  const shown = await until('the cancel to show', () =>
    harness.changesOf(task.taskId).find(({ controlState }) => controlState === 'cancelling'),
  );
  expect(shown).toMatchObject({ status: 'TRAINING', decisions: [{ kind: 'cancel', actor: 'operator' }] });
  await expect(pauseTask(harness.temporal.client, task.taskId)).rejects.toMatchObject({
    code: 'ILLEGAL_TRANSITION',
    message: 'a task that is being cancelled cannot be paused',
  });
  stopping.open();
  expect(await harness.outcome(task.taskId)).toEqual(CANCELLED);
});

test('a pause during the final test is refused, not dropped; a cancel still takes hold', async () => {
  const task = taskSpec();
  const final = harness.hold(task.taskId, 'final');
  await harness.start(task);
  await final.reached;
  await expect(pauseTask(harness.temporal.client, task.taskId)).rejects.toMatchObject({
    code: 'ILLEGAL_TRANSITION',
    message: 'a task that is in its final test cannot be paused',
  });
  await cancelTask(harness.temporal.client, task.taskId);
  expect(await harness.outcome(task.taskId)).toEqual(CANCELLED);
});
