import type { TaskStatusView } from '../src/contracts/task-workflow';
import {
  cancelTask,
  failTask,
  pauseTask,
  queryTaskProgress,
  queryTaskStatus,
  resumeTask,
  updateHyperparameters,
  updateStopConditions,
} from '../src/temporal/control-task';
import { gate } from '../src/testing/gate';
import { taskSpec } from '../src/testing/job-results';
import { TaskHarness, type ScriptedPhase } from '../src/testing/task-harness';
import { until } from '../src/testing/until';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
});
afterAll(() => harness?.close());

const CANCELLED = { cancelled: true, type: null };
const PHASES = [
  ['optimization', 'optimizer'],
  ['training', 'trainer'],
  ['evaluation', 'evaluator'],
] as const satisfies readonly (readonly [ScriptedPhase, string])[];

describe.each(PHASES)('a task in its %s phase', (phase, service) => {
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
    firstScore: 0,
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

test.each([
  ['failed', failTask, 'being ended as failed'],
  ['cancelled', cancelTask, 'being cancelled'],
] as const)('a suspended task that is to be %s is not edited any more', async (_how, end, standing) => {
  const { client } = harness.temporal;
  const task = taskSpec();
  const job = harness.hold(task.taskId, 'training');
  await harness.start(task);
  await job.reached;
  // It goes on to its end once it is written that it is SUSPENDED.
  const [attempted, writing] = [gate(), gate()];
  harness.beforeRecord = ({ taskId, status }) => {
    if (taskId !== task.taskId || status !== 'SUSPENDED') return Promise.resolve();
    attempted.open();
    return harness.orEnd(writing.opened);
  };
  await pauseTask(client, task.taskId);
  await attempted.opened;
  await end(client, task.taskId);
  await expect(
    updateHyperparameters(client, task.taskId, { hyperparameters: { checkpoint_interval_seconds: 5 } }),
  ).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION', message: expect.stringContaining(`it is ${standing}`) });
  writing.open();
  await harness.outcome(task.taskId);
});
