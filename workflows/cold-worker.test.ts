/** A worker that has just begun takes up tasks that others left: what it commands must be what another one commands that replays it. */
import { MESSAGE_NAMES, taskWorkflowId } from '../src/contracts/task-workflow';
import { pauseTask, resumeTask, updateHyperparameters } from '../src/temporal/control-task';
import { gate, type Gate } from '../src/testing/gate';
import { fetchExecution, replayExecutions, type RecordedExecution } from '../src/testing/histories';
import { taskSpec } from '../src/testing/job-results';
import { pausedJob, TaskHarness } from '../src/testing/task-harness';
import { until } from '../src/testing/until';

/** An event that a worker's command makes. */
const COMMANDED = /ACTIVITY_TASK_SCHEDULED|UPDATE_COMPLETED|MARKER_RECORDED/;
const CALLED_OFF = /^ACTIVITY_TASK_(CANCELED|TIMED_OUT)$/;
const isStep = (type: string) => type.endsWith('WORKFLOW_TASK_COMPLETED');
/** Before the updates; the server may have offered them to the worker that has ended. */
const TWO_EMPTY_STEPS = new RegExp(
  [
    'WORKFLOW_TASK_COMPLETED',
    '( WORKFLOW_TASK_SCHEDULED WORKFLOW_TASK_TIMED_OUT)?',
    ' WORKFLOW_TASK_SCHEDULED WORKFLOW_TASK_STARTED WORKFLOW_TASK_COMPLETED',
    '( \\w+UPDATE_ACCEPTED)+$',
  ].join(''),
);

const BUNDLE = { codePath: process.env.WLOPS_TEST_WORKFLOW_BUNDLE ?? '' };

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
});
afterAll(() => harness?.close());

/*
 * The SDK hands a worker without a memory the end of an earlier write together with the update, if the workflow did nothing in two
 * steps before it; one that replays that gets them one after the other.
 */

test.each([1, 2])(
  '%i updates that come after two steps in which nothing was done are replayed as they were',
  async (updates) => {
    const { client } = harness.temporal;
    const { taskId, ...task } = taskSpec();
    const job = harness.hold(taskId, 'training');
    harness.pausedAs.set(taskId, () => Promise.reject(new Error('connection refused')));
    const writing = holdWriteOf('pause');
    await harness.start({ taskId, ...task });
    await job.reached;
    await emptySteps(taskId, 1);
    await pauseTask(client, taskId);
    // The activity of the training has ended, and then the pause is written; nothing follows from either.
    await emptySteps(taskId, 1);
    writing.open();
    await emptySteps(taskId, 2);
    await harness.endWorkers();
    await takenUp([resumeTask, pauseTask].slice(0, updates).map((ask) => () => ask(client, taskId)));
    job.letGo();
    expect(await stepsBeforeUpdates(taskId)).toMatch(TWO_EMPTY_STEPS);
    expect(await replayFaults(taskId)).toEqual([]);
    harness.pausedAs.delete(taskId);
    if (updates > 1) await resumeTask(client, taskId);
    expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
  },
);

test('the resume of a task that was edited, and told what it does not listen to, is replayed as it was', async () => {
  const { client } = harness.temporal;
  const task = taskSpec();
  await harness.suspendAfterEvaluation(task);
  await until('the run that it waits in', async () => (await executionOf(task.taskId)).runs.length === 2);
  const writing = holdWriteOf('edit-hyperparameters');
  await updateHyperparameters(client, task.taskId, { hyperparameters: { checkpoint_interval_seconds: 30 } });
  await harness.handle(task.taskId).signal(MESSAGE_NAMES.pause);
  await emptySteps(task.taskId, 1);
  writing.open();
  await emptySteps(task.taskId, 2);
  await harness.endWorkers();
  await takenUp([() => resumeTask(client, task.taskId)]);
  expect(await harness.outcome(task.taskId)).toMatchObject({ iterations: 1 });
  expect(await stepsBeforeUpdates(task.taskId)).toMatch(TWO_EMPTY_STEPS);
  expect(await replayFaults(task.taskId)).toEqual([]);
});

test('a pause that comes as a phase leaves its long run is replayed as it was, and heard by the next one', async () => {
  const { client } = harness.temporal;
  const task = taskSpec();
  const { taskId } = task;
  const job = harness.hold(taskId, 'training');
  const pausing = gate();
  harness.pausedAs.set(taskId, async (address) => {
    await harness.orEnd(pausing.opened);
    return pausedJob(address);
  });
  await harness.start(task);
  await job.reached;
  await pauseTask(client, taskId);
  await until('the end of the training', async () => (await eventTypes(taskId)).some((type) => CALLED_OFF.test(type)));
  while ((await eventTypes(taskId)).length < 1000) {
    await resumeTask(client, taskId);
    await pauseTask(client, taskId);
  }
  await emptySteps(taskId, 1);
  const writing = holdWriteOf('resume');
  await resumeTask(client, taskId);
  await harness.handle(taskId).signal(MESSAGE_NAMES.resume);
  await emptySteps(taskId, 1);
  // The job has been paused for nothing; that is to be written before the run ends.
  pausing.open();
  await emptySteps(taskId, 2);
  await harness.endWorkers();
  await takenUp([() => pauseTask(client, taskId)]);
  expect(await stepsBeforeUpdates(taskId)).toMatch(TWO_EMPTY_STEPS);
  expect(await replayFaults(taskId)).toEqual([]);
  writing.open();
  job.letGo();
  // The long one, the one that heard the pause, and the one that waits.
  await until('the third run', async () => (await executionOf(taskId)).runs.length === 3);
  await resumeTask(client, taskId);
  expect(await harness.outcome(taskId)).toMatchObject({ iterations: 1 });
  expect(await replayFaults(taskId)).toEqual([]);
});

function holdWriteOf(kind: string): Gate {
  const writing = gate();
  harness.beforeRecord = async ({ decisions }) => {
    if (decisions.some((decision) => decision.kind === kind)) await harness.orEnd(writing.opened);
  };
  return writing;
}

/** Waits until so many steps have passed since the workflow's last command. */
async function emptySteps(taskId: string, count: number): Promise<void> {
  await until(`${count} steps in which nothing was done`, async () => {
    const types = await eventTypes(taskId);
    // The step that the command came from is in the history before it.
    return types.slice(types.findLastIndex((type) => COMMANDED.test(type))).filter(isStep).length === count;
  });
}

/** Asks one thing a moment after the other, and then starts a worker, which knows nothing of the task. */
async function takenUp(asks: (() => Promise<unknown>)[]): Promise<void> {
  const asked: Promise<unknown>[] = [];
  for (const ask of asks) {
    asked.push(ask());
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await Promise.all([harness.startWorkers(), ...asked]);
}

/** Of the task's last run: what is in the history up to where the last update was taken. */
async function stepsBeforeUpdates(taskId: string): Promise<string> {
  const types = await eventTypes(taskId);
  return types.slice(0, types.findLastIndex((type) => type.endsWith('UPDATE_ACCEPTED')) + 1).join(' ');
}

async function eventTypes(taskId: string): Promise<string[]> {
  const events = (await executionOf(taskId)).runs.at(-1)?.history.events ?? [];
  return events.map(({ eventType }) => String(eventType).replace('EVENT_TYPE_', ''));
}

async function replayFaults(taskId: string): Promise<string[]> {
  const { faults } = await replayExecutions(BUNDLE, [await executionOf(taskId)]);
  return faults.map(({ error }) => error.message);
}

function executionOf(taskId: string): Promise<RecordedExecution> {
  return fetchExecution(harness.temporal.client, taskWorkflowId(taskId));
}
