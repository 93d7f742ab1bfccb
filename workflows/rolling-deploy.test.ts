/** A new version of the worker comes while tasks run. That loops go over to it with their next iteration needs a newer server: `tests/faults`. */
import { taskWorkflowId, type TaskSpec } from '../src/contracts/task-workflow';
import { pauseTask, resumeTask } from '../src/temporal/control-task';
import { fetchExecution } from '../src/testing/histories';
import { taskSpec } from '../src/testing/job-results';
import { TaskHarness } from '../src/testing/task-harness';
import { until } from '../src/testing/until';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
  await harness.endWorkers();
});
afterAll(() => harness?.close());

const DEPLOYMENT = 'wlops';
const version = (buildId: string) => ({ deploymentName: DEPLOYMENT, buildId });

async function makeCurrent(buildId: string): Promise<void> {
  const { connection, namespace } = harness.temporal;
  const request = { namespace, deploymentName: DEPLOYMENT, buildId, identity: 'test' };
  // Refused until the version's workers poll all queues that the current one's poll.
  await until(`version ${buildId} to be taken`, () =>
    connection.workflowService.setWorkerDeploymentCurrentVersion(request).then(
      () => true,
      () => false,
    ),
  );
}

/** The versions that took the workflow tasks of each run of a task, in order. */
async function versionsOf(taskId: string): Promise<string[][]> {
  const { runs } = await fetchExecution(harness.temporal.client, taskWorkflowId(taskId));
  return runs.map(({ history }) => {
    const taken = JSON.stringify(history).matchAll(
      /"workerDeploymentVersion":"[^"]*[.:]([^".:]+)"|"buildId":"([^"]+)"/g,
    );
    return [...new Set([...taken].map(([, one, other]) => one ?? other ?? ''))];
  });
}

const loop = (maxIterations: number): TaskSpec => {
  const base = taskSpec({ test: null });
  return { ...base, mode: 'CONTINUOUS', stopConditions: { ...base.stopConditions, maxIterations } };
};

test('no task fails when a new version comes, and each finishes what it does on the version it began with', async () => {
  const endOld = await harness.runVersion(version('old'));
  const ends = [endOld];
  try {
    await makeCurrent('old');
    const suspended = taskSpec();
    const training = harness.hold(suspended.taskId, 'training');
    const loops = Array.from({ length: 10 }, () => loop(5));
    await Promise.all([suspended, ...loops].map((task) => harness.start(task)));
    await training.reached;
    await pauseTask(harness.temporal.client, suspended.taskId);
    await harness.reaches(suspended.taskId, 'SUSPENDED');
    await Promise.all(loops.map(({ taskId }) => harness.hasBeen(taskId, 'LOOPING')));

    ends.push(await harness.runVersion(version('new')));
    await makeCurrent('new');
    const late = Array.from({ length: 5 }, () => taskSpec());
    await Promise.all(late.map((task) => harness.start(task)));
    training.letGo();
    await resumeTask(harness.temporal.client, suspended.taskId);
    const all = [suspended, ...late, ...loops];
    const outcomes = await Promise.all(all.map(({ taskId }) => harness.outcome(taskId)));
    expect(outcomes).toEqual(all.map(({ taskId }) => expect.objectContaining({ taskId, champion: expect.anything() })));

    expect(await versionsOf(suspended.taskId)).toEqual([['old']]);
    for (const { taskId } of late) expect(await versionsOf(taskId)).toEqual([['new']]);
    for (const { taskId } of loops) {
      const runs = await versionsOf(taskId);
      expect(runs.map((versions) => versions.length)).toEqual([1, 1, 1, 1, 1]);
    }
  } finally {
    await Promise.all(ends.map((end) => end()));
  }
}, 90_000);
