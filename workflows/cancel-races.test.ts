import { MESSAGE_NAMES, taskWorkflowId } from '../src/contracts/task-workflow';
import { cancelTask, queryTaskStatus, updateStopConditions } from '../src/temporal/control-task';
import { gate } from '../src/testing/gate';
import { taskSpec } from '../src/testing/job-results';
import { TaskHarness } from '../src/testing/task-harness';
import { until } from '../src/testing/until';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
});
afterAll(() => harness?.close());

function endless() {
  const base = taskSpec({ test: null });
  return { ...base, mode: 'CONTINUOUS' as const, stopConditions: { ...base.stopConditions, maxIterations: 1000 } };
}

/** Loops turn about once a second here, so the delays fall on all parts of a turn. */
async function cancelAt(delayMs: number, cancel: (taskId: string) => Promise<unknown>): Promise<string> {
  const task = endless();
  await harness.start(task);
  await harness.hasBeen(task.taskId, 'LOOPING');
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  await cancel(task.taskId);
  expect(await harness.outcome(task.taskId)).toEqual({ cancelled: true, type: null });
  expect(harness.statuses(task.taskId).at(-1)).toBe('CANCELLED');
  const decisions = harness.decisions(task.taskId);
  expect(decisions.filter((kind) => kind === 'cancel')).toHaveLength(1);
  return task.taskId;
}

const DELAYS = Array.from({ length: 20 }, (_, index) => index * 60);

test.each([
  ['native cancel', (taskId: string) => harness.handle(taskId).cancel()],
  ['the cancel signal', (taskId: string) => cancelTask(harness.temporal.client, taskId)],
])(
  '%s is never lost at continue-as-new',
  async (_, cancel) => {
    const ended = await Promise.all(DELAYS.map((delayMs) => cancelAt(delayMs, cancel)));
    expect(ended).toHaveLength(20);
  },
  180_000,
);

test('updates sent all the time are neither lost nor refused while the loop turns', async () => {
  const tasks = Array.from({ length: 4 }, endless);
  await Promise.all(tasks.map((task) => harness.start(task)));
  await Promise.all(
    tasks.map(async ({ taskId }) => {
      for (let round = 0; round < 15; round += 1) {
        const { maxIterations } = await updateStopConditions(harness.temporal.client, taskId, {
          maxIterations: 500 + round,
        });
        expect(maxIterations).toBe(500 + round);
      }
      await harness.handle(taskId).cancel();
      await harness.outcome(taskId);
      expect(harness.decisions(taskId).filter((kind) => kind === 'edit-stop-conditions')).toHaveLength(15);
    }),
  );
}, 180_000);

test('a cancel signal that comes while an earlier request is still being written is not left behind in the old run', async () => {
  const task = endless();
  const first = { looping: gate(), pause: gate(), cancellation: gate() };
  harness.beforeRecord = async ({ taskId, status, decisions }) => {
    if (taskId !== task.taskId) return;
    if (decisions.some(({ kind }) => kind === 'pause')) await first.pause.opened;
    else if (status === 'LOOPING') await first.looping.opened;
  };
  harness.beforeCancellation = () => first.cancellation.opened;
  const handle = harness.handle(task.taskId);
  const { client } = harness.temporal;
  const controlState = async () => (await queryTaskStatus(client, task.taskId)).controlState;
  await harness.start(task);
  await until('the loop to turn', async () => (await queryTaskStatus(client, task.taskId)).status === 'LOOPING');
  await handle.signal(MESSAGE_NAMES.pause);
  await until('the pause', async () => (await controlState()) === 'pausing');
  first.looping.open();
  await harness.hasBeen(task.taskId, 'LOOPING');
  await cancelTask(client, task.taskId);
  await until('the cancel', async () => (await controlState()) === 'cancelling');
  const { runId } = await handle.describe();
  first.pause.open();
  await until('both requests to be written', () => harness.decisions(task.taskId).includes('cancel'));
  const run = client.workflow.getHandle(taskWorkflowId(task.taskId), runId);
  await until(
    'nothing but the cancellation to be under way',
    async () => ((await run.describe()).raw.pendingActivities ?? []).length <= 1,
  );
  await controlState(); // Answered after the workflow has heard of it.
  expect((await handle.describe()).runId).toBe(runId);
  first.cancellation.open();
  expect(await harness.outcome(task.taskId)).toEqual({ cancelled: true, type: null });
  expect((await handle.describe()).runId).toBe(runId);
});
