/** Pausing interrupts: the running job ends, the task is SUSPENDED, and a resume continues the phase with another segment. */
import { MESSAGE_NAMES } from '../src/contracts/task-workflow';
import type { TrainRequest } from '../src/contracts/jobs';
import {
  cancelTask,
  failTask,
  pauseTask,
  queryTaskStatus,
  resumeTask,
  updateHyperparameters,
  updateStopConditions,
} from '../src/temporal/control-task';
import { gate } from '../src/testing/gate';
import { objectRef, taskSpec } from '../src/testing/job-results';
import { jobFailure, pausedJob, TaskHarness, type ScriptedPhase } from '../src/testing/task-harness';
import { until } from '../src/testing/until';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
});
beforeEach(() => {
  harness.onPause = (address) => Promise.resolve(pausedJob(address));
  harness.beforeRecord = () => Promise.resolve();
  harness.beforeStop = () => Promise.resolve();
});
afterAll(() => harness?.close());

const CANCELLED = { cancelled: true, type: null };
const RESTART = { attempt: 1, at: '', cause: 'process', exitCode: -9, stage: null, step: null } as const;
const PHASES = [
  ['optimization', 'OPTIMIZING', 'optimizer'],
  ['training', 'TRAINING', 'trainer'],
  ['evaluation', 'EVALUATING', 'evaluator'],
] as const satisfies readonly (readonly [ScriptedPhase, string, string])[];

/** A task that is SUSPENDED in the middle of this phase; `job` lets its later segments go. */
async function suspendedIn(phase: ScriptedPhase, task = taskSpec()) {
  const job = harness.hold(task.taskId, phase);
  await harness.start(task);
  await job.reached;
  await pauseTask(harness.temporal.client, task.taskId, { reason: 'GPU needed', actor: 'user:1' });
  await harness.reaches(task.taskId, 'SUSPENDED');
  return { task, job, client: harness.temporal.client };
}

describe.each(PHASES)('a task that is paused in its %s phase', (phase, status, service) => {
  test('has its job ended, is SUSPENDED by whom and why, and goes on with the next segment', async () => {
    harness.onPause = (address) => Promise.resolve({ ...pausedJob(address), restarts: [RESTART] });
    const { task, job, client } = await suspendedIn(phase);
    const { taskId } = task;
    expect(harness.paused).toContainEqual({ service, jobKey: `${taskId}/0/${phase}/0` });
    const suspension = {
      by: 'user:1',
      reason: 'GPU needed',
      requestedAt: expect.any(Number),
      since: expect.any(Number),
      resumesTo: status,
    };
    expect(harness.changesOf(taskId).at(-1)).toMatchObject({
      status: 'SUSPENDED',
      controlState: 'none',
      fields: { suspension },
      executions: [{ phase, status: 'suspended', details: { restarts: [RESTART] }, completedAt: expect.any(Number) }],
    });
    expect(await queryTaskStatus(client, taskId)).toMatchObject({ status: 'SUSPENDED', resumesTo: status, suspension });

    expect(await resumeTask(client, taskId)).toEqual({ status: 'SUSPENDED', controlState: 'resuming' });
    job.letGo();
    expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
    const statuses = harness.statuses(taskId);
    const at = statuses.indexOf('SUSPENDED');
    expect(statuses.slice(at - 1, at + 2)).toEqual([status, 'SUSPENDED', status]);
    expect(harness.jobKeys(taskId, phase)).toEqual([`0/${phase}/0`, `0/${phase}/1`]);
    expect(harness.stopped.filter(({ jobKey }) => jobKey.startsWith(taskId))).toEqual([]);
  });

  test.each(['succeeded', 'failed'] as const)('takes what its job came to when it had %s just before', async (end) => {
    const task = taskSpec();
    const { taskId } = task;
    const { client } = harness.temporal;
    const job = harness.hold(taskId, phase);
    harness.script(taskId, phase, async (request) => {
      await job.script(request);
      // The poll that the pause called off sees nothing; the next one finds the job at its end.
      if (end === 'failed' && job.requests.length > 1) throw jobFailure('TRAINING_DIVERGED');
    });
    harness.onPause = async () => {
      job.letGo();
      return { state: end, attempts: 1, checkpoint: null };
    };
    await harness.start(task);
    await job.reached;
    await pauseTask(client, taskId);
    if (end === 'failed') {
      expect(await harness.outcome(taskId)).toEqual({ cancelled: false, type: 'TRAINING_DIVERGED' });
      expect(harness.changesOf(taskId).at(-1)).toMatchObject({ status: 'FAILED', controlState: 'none' });
    } else {
      await harness.reaches(taskId, 'SUSPENDED');
      await resumeTask(client, taskId);
      expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
    }
    expect(new Set(harness.jobKeys(taskId, phase))).toEqual(new Set([`0/${phase}/0`]));
  });

  test('can be cancelled while its job is still ending, and that job is stopped', async () => {
    const task = taskSpec();
    const { taskId } = task;
    const job = harness.hold(taskId, phase);
    harness.onPause = () => new Promise(() => undefined);
    await harness.start(task);
    await job.reached;
    await pauseTask(harness.temporal.client, taskId);
    await until('the job to be told', () => harness.paused.some(({ jobKey }) => jobKey.startsWith(taskId)));
    await cancelTask(harness.temporal.client, taskId);
    expect(await harness.outcome(taskId)).toEqual(CANCELLED);
    expect(harness.stopped).toContainEqual({ service, jobKey: `${taskId}/0/${phase}/0` });
    expect(
      harness
        .changesOf(taskId)
        .flatMap(({ executions }) => executions)
        .at(-1),
    ).toMatchObject({
      phase,
      status: 'cancelled',
    });
  });

  test.each(['native', 'signal'] as const)('is cancelled by %s cancel while suspended', async (how) => {
    const { task, client } = await suspendedIn(phase);
    if (how === 'native') await harness.handle(task.taskId).cancel();
    else await cancelTask(client, task.taskId);
    expect(await harness.outcome(task.taskId)).toEqual(CANCELLED);
    expect(harness.changesOf(task.taskId).at(-1)).toMatchObject({ status: 'CANCELLED', controlState: 'none' });
    // The pause's reason is not the cancel's.
    const reasons = harness
      .changesOf(task.taskId)
      .flatMap(({ fields: { controlReason } }) => (controlReason === undefined ? [] : [controlReason]));
    expect([reasons[0], reasons.at(-1)]).toEqual(['GPU needed', null]);
    expect(harness.stopped.filter(({ jobKey }) => jobKey.startsWith(task.taskId))).toEqual([]);
  });

  test('ends as failed when an operator says so, suspended or running', async () => {
    const { task, client } = await suspendedIn(phase);
    await failTask(client, task.taskId, { reason: 'wrong labels', actor: 'user:1' });
    expect(await harness.outcome(task.taskId)).toEqual({ cancelled: false, type: 'FAILED_BY_OPERATOR' });
    expect(harness.changesOf(task.taskId).at(-1)).toMatchObject({
      status: 'FAILED',
      fields: { failure: { code: 'FAILED_BY_OPERATOR', message: 'ended as failed by user:1: wrong labels' } },
    });

    const running = taskSpec();
    const job = harness.hold(running.taskId, phase);
    await harness.start(running);
    await job.reached;
    await harness.handle(running.taskId).signal(MESSAGE_NAMES.fail);
    expect(await harness.outcome(running.taskId)).toEqual({ cancelled: false, type: 'FAILED_BY_OPERATOR' });
    expect(harness.stopped).toContainEqual({ service, jobKey: `${running.taskId}/0/${phase}/0` });
    expect(harness.decisions(running.taskId).filter((kind) => kind === 'fail')).toHaveLength(1);
  });
});

test('each segment of a training continues from the checkpoint that the pause before it left', async () => {
  const { task, job, client } = await suspendedIn('training');
  const pausedAgain = async (segment: number) => {
    await resumeTask(client, task.taskId);
    await until(`segment ${segment}`, () => job.requests.length === segment + 1);
    await pauseTask(client, task.taskId);
    await until('the suspension', async () => (await queryTaskStatus(client, task.taskId)).status === 'SUSPENDED');
  };
  await pausedAgain(1);
  await pausedAgain(2);
  await resumeTask(client, task.taskId);
  job.letGo();
  await harness.outcome(task.taskId);
  const requests = job.requests as TrainRequest[];
  const prefix = (segment: number) => `models/${task.taskId}/0/s${segment}/`;
  const checkpoint = (segment: number) =>
    objectRef(`models/${task.taskId}/0/training/${segment}/checkpoint-5/manifest.json`);
  expect(requests.map(({ resumeFrom }) => resumeFrom)).toEqual([null, checkpoint(0), checkpoint(1), checkpoint(2)]);
  expect(requests.map(({ earlierPrefixes }) => earlierPrefixes)).toEqual([
    undefined,
    [prefix(0)],
    [prefix(1), prefix(0)],
    [prefix(2), prefix(1), prefix(0)],
  ]);
  expect(requests.map(({ outputPrefix }) => outputPrefix)).toEqual([0, 1, 2, 3].map(prefix));
});

test('pauses are no faults: a phase may be paused often and still fail and start anew twice', async () => {
  const { task, job, client } = await suspendedIn('training');
  for (const segment of [1, 2, 3]) {
    await resumeTask(client, task.taskId);
    await until(`segment ${segment}`, () => job.requests.length === segment + 1);
    await pauseTask(client, task.taskId);
    await until('the suspension', async () => (await queryTaskStatus(client, task.taskId)).status === 'SUSPENDED');
  }
  job.letGo();
  let lost = 0;
  harness.script(task.taskId, 'training', async () => {
    if (lost++ < 2) throw jobFailure('JOB_LOST', true);
  });
  await resumeTask(client, task.taskId);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
  expect(harness.jobKeys(task.taskId, 'training').at(-1)).toBe('0/training/6');
  // What a lost job may have saved is looked for by the trainer, and is newer than the last pause.
  const last = harness.requests
    .filter(({ taskId, jobKey }) => taskId === task.taskId && jobKey.includes('training'))
    .at(-1);
  expect(last).toMatchObject({ resumeFrom: null });
  expect(last?.earlierPrefixes).toHaveLength(6);
});

test('a pause during the final test stops the read, and the ledger counts it', async () => {
  const { task, job, client } = await suspendedIn('final');
  expect((await queryTaskStatus(client, task.taskId)).resumesTo).toBe('EVALUATING');
  await resumeTask(client, task.taskId);
  job.letGo();
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
  expect(harness.jobKeys(task.taskId, 'final')).toEqual(['0/final/0', '0/final/1']);
  const completed = harness.changesOf(task.taskId).at(-1);
  expect(completed).toMatchObject({ status: 'COMPLETED', fields: { testResult: { reads: 2 } } });
});

test('stop conditions change while a task is suspended, and hyperparameters that do not decide its result', async () => {
  const base = taskSpec({ mode: 'CONTINUOUS', hyperparameters: { epochs: 2 } });
  const { task, job, client } = await suspendedIn('training', base);
  const refused = (message: RegExp) => ({ code: 'ILLEGAL_TRANSITION', message: expect.stringMatching(message) });
  await expect(
    updateHyperparameters(client, task.taskId, { hyperparameters: { learning_rate: 1 } }),
  ).rejects.toMatchObject(refused(/learning_rate: would change what the training ends with/));
  await expect(
    updateHyperparameters(client, task.taskId, { hyperparameters: { checkpoint_interval_seconds: 0 } }),
  ).rejects.toMatchObject(refused(/checkpoint_interval_seconds: must be a number from 1/));
  // The API gives an object; whoever asks Temporal itself may give anything.
  for (const [name, message] of [
    [MESSAGE_NAMES.updateHyperparameters, /must be such as/],
    [MESSAGE_NAMES.updateStopConditions, /at least one/],
  ] as const)
    await expect(harness.handle(task.taskId).executeUpdate(name, { args: [null] })).rejects.toMatchObject({
      cause: { type: 'REFUSED', message: expect.stringMatching(message) },
    });
  const changed = await updateHyperparameters(client, task.taskId, {
    hyperparameters: { checkpoint_interval_seconds: 45 },
    actor: 'user:1',
  });
  expect(changed).toEqual({ epochs: 2, checkpoint_interval_seconds: 45 });
  await updateStopConditions(client, task.taskId, { maxIterations: 1 });
  await resumeTask(client, task.taskId);
  await until('the next segment', () => job.requests.length === 2);
  await expect(
    updateHyperparameters(client, task.taskId, { hyperparameters: { checkpoint_interval_seconds: 5 } }),
  ).rejects.toMatchObject(refused(/while a task is SUSPENDED; it is TRAINING/));
  job.letGo();
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1, stopReason: { policy: 'maxIterations' } });
  expect((job.requests as TrainRequest[]).map(({ hyperparameters }) => hyperparameters)).toEqual([
    { epochs: 2 },
    { epochs: 2, checkpoint_interval_seconds: 45 },
  ]);
  const edit = harness
    .changesOf(task.taskId)
    .flatMap(({ decisions }) => decisions)
    .find(({ kind }) => kind === 'edit-hyperparameters');
  expect(edit).toMatchObject({ actor: 'user:1', facts: { after: { checkpoint_interval_seconds: 45 } } });
});

test('a service that is away keeps the task pausing, and a cancel does not wait for it', async () => {
  const task = taskSpec();
  const { taskId } = task;
  const { client } = harness.temporal;
  const job = harness.hold(taskId, 'training');
  const away = gate();
  harness.onPause = async () => {
    throw new Error('connection refused');
  };
  harness.beforeStop = ({ jobKey }) => (jobKey.startsWith(taskId) ? away.opened : Promise.resolve());
  await harness.start(task);
  await job.reached;
  await pauseTask(client, taskId);
  await until('several tries', () => harness.paused.filter(({ jobKey }) => jobKey.startsWith(taskId)).length >= 3);
  expect(await queryTaskStatus(client, taskId)).toMatchObject({ status: 'TRAINING', controlState: 'pausing' });

  await cancelTask(client, taskId);
  await harness.reaches(taskId, 'CANCELLED');
  // The row has ended; the workflow goes on asking until the job is known to be gone.
  expect((await harness.handle(taskId).describe()).status.name).toBe('RUNNING');
  away.open();
  expect(await harness.outcome(taskId)).toEqual(CANCELLED);
  expect(harness.stopped).toContainEqual({ service: 'trainer', jobKey: `${taskId}/0/training/0` });
});

test('a pause asked for while a resume is being written takes hold before the next job begins', async () => {
  const { task, job, client } = await suspendedIn('training');
  const { taskId } = task;
  const resuming = gate();
  harness.beforeRecord = async (change) => {
    if (change.taskId === taskId && change.status === 'TRAINING') await resuming.opened;
  };
  await resumeTask(client, taskId);
  await until('the task to go on', async () => (await queryTaskStatus(client, taskId)).status === 'TRAINING');
  await pauseTask(client, taskId);
  resuming.open();
  const suspensions = () => harness.statuses(taskId).filter((status) => status === 'SUSPENDED').length;
  await until('the second pause to take hold', () => suspensions() === 2);
  expect(harness.jobKeys(taskId, 'training')).toEqual(['0/training/0']);
  await resumeTask(client, taskId);
  job.letGo();
  expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
});

test('a pause that was called off before it took hold leaves no trace in the statuses', async () => {
  const task = taskSpec();
  const job = harness.hold(task.taskId, 'training');
  await harness.start(task);
  await job.reached;
  const ending = gate();
  harness.pausedAs.set(task.taskId, async (address) => {
    await harness.orEnd(ending.opened);
    return pausedJob(address);
  });
  await pauseTask(harness.temporal.client, task.taskId);
  expect(await resumeTask(harness.temporal.client, task.taskId)).toEqual({ status: 'TRAINING', controlState: 'none' });
  ending.open();
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
  const again = await pauseTask(client, task.taskId, { reason: 'not yet', actor: 'user:2' });
  expect(again).toEqual({ status: 'SUSPENDED', controlState: 'none' });
  writing.open();
  await until(
    'both to be written',
    () => harness.decisions(task.taskId).filter((kind) => kind === 'pause').length === 2,
  );
  const whoPausedLast = { by: 'user:2', reason: 'not yet' };
  expect(await queryTaskStatus(client, task.taskId)).toMatchObject({ status: 'SUSPENDED', suspension: whoPausedLast });
  expect(harness.changesOf(task.taskId).at(-1)?.fields.suspension).toMatchObject(whoPausedLast);
  await resumeTask(client, task.taskId);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
  expect(harness.statuses(task.taskId).filter((status) => status === 'SUSPENDED')).toHaveLength(1);
});
