/**
 * A deploy of a new version of the worker while tasks run: ten loops, a task that is suspended before and one after, and tasks that
 * start later. Answers with what
 * became of them; what a server makes of it differs by its version, so tests say that.
 */
import { taskWorkflowId, type TaskSpec } from '../contracts/task-workflow';
import { pauseTask, resumeTask } from '../temporal/control-task';
import { fetchExecution } from './histories';
import { taskSpec } from './job-results';
import type { TaskHarness } from './task-harness';
import { until } from './until';

const DEPLOYMENT = 'wlops';
const LOOPS = 10;
const ITERATIONS = 15;

export interface Deployed {
  /** How each task ended. */
  outcomes: Awaited<ReturnType<TaskHarness['outcome']>>[];
  /** The versions that took the workflow tasks of each run, in order, by task. */
  suspended: string[][];
  suspendedLater: string[][];
  late: string[][][];
  loops: string[][][];
}

/** The harness must have no workers of its own. */
export async function rollingDeploy(harness: TaskHarness): Promise<Deployed> {
  const { client } = harness.temporal;
  const ends = [await harness.runVersion({ deploymentName: DEPLOYMENT, buildId: 'old' })];
  try {
    await makeCurrent(harness, 'old');
    const [suspended, suspendedLater] = [taskSpec(), taskSpec()];
    const training = harness.hold(suspended.taskId, 'training');
    const laterTraining = harness.hold(suspendedLater.taskId, 'training');
    const loops = Array.from({ length: LOOPS }, loop);
    await Promise.all([suspended, suspendedLater, ...loops].map((task) => harness.start(task)));
    await training.reached;
    await laterTraining.reached;
    await suspend(harness, suspended.taskId);
    await Promise.all(loops.map(({ taskId }) => harness.hasBeen(taskId, 'LOOPING')));

    ends.push(await harness.runVersion({ deploymentName: DEPLOYMENT, buildId: 'new' }));
    await makeCurrent(harness, 'new');
    const late = Array.from({ length: 5 }, () => taskSpec());
    await Promise.all(late.map((task) => harness.start(task)));
    await suspend(harness, suspendedLater.taskId);
    training.letGo();
    laterTraining.letGo();
    await Promise.all([suspended, suspendedLater].map(({ taskId }) => resumeTask(client, taskId)));
    const outcomes = await Promise.all(
      [suspended, suspendedLater, ...late, ...loops].map(({ taskId }) => harness.outcome(taskId)),
    );
    const versions = (tasks: TaskSpec[]) => Promise.all(tasks.map(({ taskId }) => versionsOf(harness, taskId)));
    return {
      outcomes,
      suspended: await versionsOf(harness, suspended.taskId),
      suspendedLater: await versionsOf(harness, suspendedLater.taskId),
      late: await versions(late),
      loops: await versions(loops),
    };
  } finally {
    await Promise.all(ends.map((end) => end()));
  }
}

/** Until it waits, in a run of its own. */
async function suspend(harness: TaskHarness, taskId: string): Promise<void> {
  await pauseTask(harness.temporal.client, taskId);
  await until('the run that waits', async () => (await versionsOf(harness, taskId)).length === 2);
}

function loop(): TaskSpec {
  const base = taskSpec({ test: null });
  return { ...base, mode: 'CONTINUOUS', stopConditions: { ...base.stopConditions, maxIterations: ITERATIONS } };
}

async function makeCurrent({ temporal: { connection, namespace } }: TaskHarness, buildId: string): Promise<void> {
  const request = { namespace, deploymentName: DEPLOYMENT, buildId, identity: 'test' };
  // Refused until the version's workers poll all queues that the current one's poll.
  await until(`version ${buildId} to be taken`, () =>
    connection.workflowService.setWorkerDeploymentCurrentVersion(request).then(
      () => true,
      () => false,
    ),
  );
}

async function versionsOf(harness: TaskHarness, taskId: string): Promise<string[][]> {
  const { runs } = await fetchExecution(harness.temporal.client, taskWorkflowId(taskId));
  return runs.map(({ history }) => [
    ...new Set(history.events.flatMap(({ workflowTaskCompletedEventAttributes: done }) => buildOf(done) ?? [])),
  ]);
}

function buildOf(completed: unknown): string | undefined {
  const { deploymentVersion } = (completed ?? {}) as { deploymentVersion?: { buildId?: string } };
  return deploymentVersion?.buildId;
}
