/** What people ask of a task at moments when it is busy with something else: stopping a job that does not stop, or going on in another run. */
import { MESSAGE_NAMES, taskWorkflowId } from '../src/contracts/task-workflow';
import {
  cancelTask,
  failTask,
  pauseTask,
  queryTaskStatus,
  resumeTask,
  updateHyperparameters,
} from '../src/temporal/control-task';
import { gate } from '../src/testing/gate';
import { fetchExecution, markerOf } from '../src/testing/histories';
import { taskSpec } from '../src/testing/job-results';
import { jobFailure, pausedJob, TaskHarness } from '../src/testing/task-harness';
import { until } from '../src/testing/until';
import { PATCHES } from './patches';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
});
beforeEach(() => {
  harness.beforeStop = () => Promise.resolve();
});
afterAll(() => harness?.close());

const CANCELLED = { cancelled: true, type: null };

/** Resolves when the task's job is being stopped, which then takes until `held`. */
function stopsNever(taskId: string, held: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    harness.beforeStop = ({ jobKey }) => {
      if (!jobKey.startsWith(taskId)) return Promise.resolve();
      resolve();
      return held;
    };
  });
}

describe('while a service does not answer and its job cannot be stopped', () => {
  const faults = [
    ['mended by another try', true],
    ['that ends the phase', false],
  ] as const;

  test.each(faults)('a cancel after a fault %s ends the task at once', async (_, retryable) => {
    const task = taskSpec();
    const { taskId } = task;
    const away = gate();
    const stopping = stopsNever(taskId, away.opened);
    harness.script(taskId, 'training', () => Promise.reject(jobFailure('JOB_STALLED', retryable)));
    await harness.start(task);
    await stopping;
    await cancelTask(harness.temporal.client, taskId);
    await harness.reaches(taskId, 'CANCELLED');
    away.open();
    expect(await harness.outcome(taskId)).toEqual(CANCELLED);
  });

  test('an operator’s fail ends it at once too', async () => {
    const task = taskSpec();
    const { taskId } = task;
    const away = gate();
    const stopping = stopsNever(taskId, away.opened);
    harness.script(taskId, 'training', () => Promise.reject(jobFailure('JOB_STALLED', true)));
    await harness.start(task);
    await stopping;
    await failTask(harness.temporal.client, taskId);
    await harness.reaches(taskId, 'FAILED');
    await expect(pauseTask(harness.temporal.client, taskId)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    away.open();
    expect(await harness.outcome(taskId)).toEqual({ cancelled: false, type: 'FAILED_BY_OPERATOR' });
  });
});

test('a pause in the back-off after a fault does not wait for its end', async () => {
  const { client } = harness.temporal;
  const task = taskSpec();
  const { taskId } = task;
  harness.script(taskId, 'training', ({ segment }) =>
    segment === 0 ? Promise.reject(jobFailure('STORAGE_UNAVAILABLE', true)) : Promise.resolve(),
  );
  await harness.start(task);
  const timers = async () => {
    const { runs } = await fetchExecution(client, taskWorkflowId(taskId));
    const events = runs.flatMap(({ history }) => history.events);
    return events.map((event) => Object.keys(event).find((key) => /^timer\w+Attributes$/.test(key)));
  };
  await until('the back-off', async () => (await timers()).includes('timerStartedEventAttributes'));
  await pauseTask(client, taskId);
  await harness.reaches(taskId, 'SUSPENDED');
  const ofTimers = (await timers()).filter(Boolean);
  expect(ofTimers).toEqual(['timerStartedEventAttributes', 'timerCanceledEventAttributes']);
  await resumeTask(client, taskId);
  expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
  expect(harness.jobKeys(taskId, 'training')).toEqual(['0/training/0', '0/training/1']);
});

test('an outage of the workers is no fault of the job that its service stopped meanwhile', async () => {
  const task = taskSpec();
  let stopped = 0;
  harness.script(task.taskId, 'training', async () => {
    if (stopped++ < 3) throw jobFailure('JOB_PAUSED', true);
  });
  await harness.start(task);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
  expect(harness.jobKeys(task.taskId, 'training')).toHaveLength(4);
});

describe('while a suspended task waits for the end of its writes to go on in another run', () => {
  /** The suspension is written, an edit of the suspended task is not. */
  async function leaving() {
    const { client } = harness.temporal;
    const { taskId, ...task } = taskSpec();
    const [suspending, editing] = [gate(), gate()];
    const job = harness.hold(taskId, 'training');
    harness.beforeRecord = async (change) => {
      if (change.taskId !== taskId) return;
      if (change.decisions.some(({ kind }) => kind === 'edit-hyperparameters')) await editing.opened;
      else if (change.status === 'SUSPENDED') await suspending.opened;
    };
    await harness.start({ taskId, ...task });
    await job.reached;
    await pauseTask(client, taskId);
    await until('the suspension', async () => (await queryTaskStatus(client, taskId)).status === 'SUSPENDED');
    await updateHyperparameters(client, taskId, { hyperparameters: { checkpoint_interval_seconds: 7 } });
    suspending.open();
    const execution = () => fetchExecution(client, taskWorkflowId(taskId));
    const marker = markerOf(PATCHES.waitsInOwnRun);
    await until('the wish to leave', async () => JSON.stringify(await execution()).includes(marker));
    const goOn = () => {
      editing.open();
      job.letGo();
    };
    const runs = async () => (await execution()).runs.length;
    return { client, taskId, goOn, runs };
  }

  afterEach(() => {
    harness.beforeRecord = () => Promise.resolve();
  });

  test('a resume is heard', async () => {
    const { client, taskId, goOn, runs } = await leaving();
    await resumeTask(client, taskId);
    await expect(resumeTask(client, taskId)).rejects.toThrow('a task that is being resumed cannot be resumed');
    goOn();
    expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
    expect(await runs()).toBe(2);
    expect(harness.decisions(taskId)).toEqual(expect.arrayContaining(['pause', 'edit-hyperparameters', 'resume']));
    const seqs = harness.changesOf(taskId).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  test('a resume and another pause keep it suspended', async () => {
    const { client, taskId, goOn, runs } = await leaving();
    await resumeTask(client, taskId);
    await pauseTask(client, taskId, { reason: 'after all' });
    goOn();
    await until('the run that waits', async () => (await runs()) === 2);
    await until('the second pause', async () => {
      const { status, controlState, suspension } = await queryTaskStatus(client, taskId);
      return status === 'SUSPENDED' && controlState === 'none' && suspension?.reason === 'after all';
    });
    await resumeTask(client, taskId);
    expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
  });

  test.each(['asked for by signal', 'asked of Temporal'])('a cancel %s ends it', async (how) => {
    const { client, taskId, goOn } = await leaving();
    if (how === 'asked of Temporal') await harness.handle(taskId).cancel();
    else await cancelTask(client, taskId);
    goOn();
    expect(await harness.outcome(taskId)).toEqual(CANCELLED);
    expect(harness.statuses(taskId).at(-1)).toBe('CANCELLED');
  });

  test('an operator’s fail ends it', async () => {
    const { client, taskId, goOn } = await leaving();
    await failTask(client, taskId);
    goOn();
    expect(await harness.outcome(taskId)).toEqual({ cancelled: false, type: 'FAILED_BY_OPERATOR' });
    expect(harness.statuses(taskId).at(-1)).toBe('FAILED');
  });
});

test('a phase of very many jobs goes on in another run, and how each of them ended is written', async () => {
  const { client } = harness.temporal;
  const task = taskSpec();
  const { taskId } = task;
  const job = harness.hold(taskId, 'training');
  await harness.start(task);
  const run = async () => (await harness.handle(taskId).describe()).runId;
  const first = await run();
  let ended = 0;
  // Pauses that are called off before their jobs have ended: the task is not suspended, which would begin another run, too.
  for (; (await run()) === first; ended += 1) {
    await until(`job ${ended + 1}`, () => job.requests.length === ended + 1);
    const ending = gate();
    harness.pausedAs.set(taskId, async (address) => {
      await ending.opened;
      return pausedJob(address);
    });
    await pauseTask(client, taskId);
    await resumeTask(client, taskId);
    ending.open();
    await until('its end', async () => job.requests.length > ended + 1 || (await run()) !== first);
  }
  job.letGo();
  expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
  expect(harness.statuses(taskId)).not.toContain('SUSPENDED');
  const states = new Map<number, string>();
  for (const { executions } of harness.changesOf(taskId))
    for (const { phase, segment, status } of executions) if (phase === 'training') states.set(segment, status);
  expect(states.size).toBe(ended + 1);
  expect([...states].filter(([, status]) => status === 'running')).toEqual([]);
}, 60_000);

test('a phase that is paused again and again loses and repeats nothing on the way from run to run', async () => {
  const { client } = harness.temporal;
  const task = taskSpec();
  const { taskId } = task;
  const job = harness.hold(taskId, 'training');
  await harness.start(task);
  await job.reached;
  await pauseTask(client, taskId);
  await harness.reaches(taskId, 'SUSPENDED');
  const history = async () => (await harness.handle(taskId).describe()).historyLength;
  for (let segment = 1; segment <= 40; segment += 1) {
    await resumeTask(client, taskId);
    await until(`segment ${segment}`, () => job.requests.length === segment + 1);
    await pauseTask(client, taskId);
    await until('the suspension', async () => (await queryTaskStatus(client, taskId)).status === 'SUSPENDED');
    // Each other resume comes as soon as the task says so, most likely while that is being written.
    if (segment % 2 === 0) await until('the run that waits', async () => (await history()) < 10);
  }
  expect(await queryTaskStatus(client, taskId)).toMatchObject({ controlState: 'none', suspension: { by: 'operator' } });
  await resumeTask(client, taskId);
  job.letGo();
  expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
  expect((await fetchExecution(client, taskWorkflowId(taskId))).runs.length).toBeGreaterThan(20);
  // What was done before is neither lost nor done again.
  expect(harness.jobKeys(taskId, 'optimization')).toEqual(['0/optimization/0']);
  expect(harness.jobKeys(taskId, 'training')).toHaveLength(42);
  const seqs = harness.changesOf(taskId).map(({ seq }) => seq);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
}, 120_000);

test('a suspended task that is edited again and again goes on in another run before its history grows long', async () => {
  const { client } = harness.temporal;
  const task = taskSpec();
  const { taskId } = task;
  const job = harness.hold(taskId, 'training');
  await harness.start(task);
  await job.reached;
  const run = async () => (await harness.handle(taskId).describe()).runId;
  const working = await run();
  await pauseTask(client, taskId);
  await until('the run that waits', async () => (await run()) !== working);
  const first = await run();
  const noted = () =>
    harness
      .changesOf(taskId)
      .flatMap(({ decisions }) => decisions)
      .filter(({ kind }) => kind === 'edit-hyperparameters').length;
  let edits = 0;
  // Past the length at which a run leaves by more than the end of its last workflow task, which it does not count.
  const isShort = ({ runId, historyLength }: { runId: string; historyLength: number }) =>
    runId === first && historyLength <= 1010;
  while (isShort(await harness.handle(taskId).describe())) {
    edits += 1;
    await updateHyperparameters(client, taskId, { hyperparameters: { checkpoint_interval_seconds: edits } });
    await until('the edit to be noted', () => noted() === edits);
  }
  await until('another run', async () => (await run()) !== first);
  const edited = await updateHyperparameters(client, taskId, { hyperparameters: { checkpoint_interval_seconds: 7 } });
  expect(edited).toMatchObject({ checkpoint_interval_seconds: 7 });
  expect(await queryTaskStatus(client, taskId)).toMatchObject({ status: 'SUSPENDED', controlState: 'none' });
  await until('the last edit to be noted', () => noted() === edits + 1);
  await resumeTask(client, taskId);
  job.letGo();
  expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
}, 120_000);

test.each(['optimization', 'training', 'evaluation', 'final'] as const)(
  'a task that is suspended in its %s waits in a run of its own, of which its resume has little to replay',
  async (phase) => {
    const { client } = harness.temporal;
    const task = taskSpec();
    const { taskId } = task;
    const job = harness.hold(taskId, phase);
    await harness.start(task);
    await job.reached;
    await pauseTask(client, taskId, { reason: 'wait for labels' });
    const runs = async () => (await fetchExecution(client, taskWorkflowId(taskId))).runs.length;
    await until('the run that waits', async () => (await runs()) === 2);
    const query = `ExecutionStatus = "Running" AND WlopsStatus = "SUSPENDED" AND WlopsTaskId = "${taskId}"`;
    await until('the suspended task to be listed', async () => (await client.workflow.count(query)).count === 1);
    expect(await queryTaskStatus(client, taskId)).toMatchObject({
      status: 'SUSPENDED',
      suspension: { reason: 'wait for labels' },
    });
    expect((await harness.handle(taskId).describe()).historyLength).toBeLessThan(10);
    await resumeTask(client, taskId);
    job.letGo();
    expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
    expect(await runs()).toBe(2);
    expect(job.requests).toHaveLength(2);
  },
);

test('a task that is resumed while its suspension is being written goes on in the run that it has', async () => {
  const { client } = harness.temporal;
  const task = taskSpec();
  const { taskId } = task;
  const writing = gate();
  const job = harness.hold(taskId, 'training');
  harness.beforeRecord = async (change) => {
    if (change.taskId === taskId && change.status === 'SUSPENDED') await writing.opened;
  };
  await harness.start(task);
  await job.reached;
  await pauseTask(client, taskId);
  await until('the suspension', async () => (await queryTaskStatus(client, taskId)).status === 'SUSPENDED');
  await resumeTask(client, taskId);
  writing.open();
  job.letGo();
  expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
  expect((await fetchExecution(client, taskWorkflowId(taskId))).runs).toHaveLength(1);
});

test('a pause that came while the final test went on in another run is heard there', async () => {
  const { client } = harness.temporal;
  const task = taskSpec();
  await harness.startSuspended(task, { finishing: true, status: 'EVALUATING', suspension: null });
  await harness.reaches(task.taskId, 'SUSPENDED');
  expect(harness.jobKeys(task.taskId, 'final')).toEqual([]);
  await resumeTask(client, task.taskId);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
});

test('a fail that came while the final test went on in another run ends it before the sealed rows are read', async () => {
  const task = taskSpec();
  const failing = { reason: null, actor: 'operator' };
  await harness.startSuspended(task, {
    finishing: true,
    status: 'EVALUATING',
    suspension: null,
    paused: null,
    failing,
  });
  expect(await harness.outcome(task.taskId)).toEqual({ cancelled: false, type: 'FAILED_BY_OPERATOR' });
  expect(harness.jobKeys(task.taskId, 'final')).toEqual([]);
});

describe('a resume that comes while a suspended task continues as new', () => {
  /** A run as the one before it left it: suspended, its phases done. */
  async function continued(finishing: boolean, resumed: boolean) {
    const task = taskSpec(finishing ? {} : { test: null });
    await harness.endWorkers();
    await harness.startSuspended(task, { finishing });
    if (resumed) await harness.handle(task.taskId).signal(MESSAGE_NAMES.resume);
    await harness.startWorkers();
    return task.taskId;
  }

  test.each([false, true])('is heard, with the final test ahead: %s', async (finishing) => {
    const taskId = await continued(finishing, true);
    expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
    expect(harness.statuses(taskId)).toEqual(['SUSPENDED', 'EVALUATING', 'COMPLETED']);
  });

  test('and without one the task stays suspended', async () => {
    const taskId = await continued(true, false);
    const { client } = harness.temporal;
    await until('the run', async () => (await queryTaskStatus(client, taskId)).status === 'SUSPENDED');
    expect(harness.jobKeys(taskId, 'final')).toEqual([]);
    await resumeTask(client, taskId);
    expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
  });
});
