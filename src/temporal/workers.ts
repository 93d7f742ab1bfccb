/**
 * One worker per task queue, all in this process on one connection. A slot of the optimize, train and evaluate queues stands for one
 * job that its service can run at a time, so the queue in Temporal is the queue for the resource.
 */
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { TASK_QUEUES } from '../contracts/task-workflow';

/** Where the workflows come from: TypeScript source to be bundled at start, or a bundle made ahead. */
export type WorkflowSource = Pick<WorkerOptions, 'workflowsPath' | 'workflowBundle'>;

export interface WorkerSettings {
  connection: NativeConnection;
  namespace: string;
  workflows: WorkflowSource;
  activities: object;
  slots: { optimize: number; train: number; evaluate: number };
  /** Set: the worker is a version of a deployment, and takes no task before that version is made the current one. */
  version?: WorkerVersion | null;
}

/** Temporal's worker versioning: workflows stay on the version that they began with; loops go to the current one with each iteration. */
export interface WorkerVersion {
  deploymentName: string;
  buildId: string;
}

/** Records are short and many; each is a database transaction, and the pool has ten connections. */
const RECORD_SLOTS = 50;
/** They wait for services and do nothing meanwhile. */
const CONTROL_SLOTS = 200;
/** Well within the heartbeat timeout of the activities, and a write of Temporal's for each running job. */
const HEARTBEAT_THROTTLE = '1500ms';
/** A workflow whose worker was killed goes to another one after this; a live worker takes its next step in milliseconds. */
const STICKY_TIMEOUT = '1s';
/** Some 1 MB each. A workflow that is not kept is replayed, in milliseconds, when something happens to it. */
const CACHED_WORKFLOWS = 200;
/** Jobs live on in their services, so a worker need not wait for them; Docker kills after ten seconds. */
const SHUTDOWN_FORCE_TIME = '8s';

/** Creates the workers. They poll once `run` is called. */
export async function createWorkers(settings: WorkerSettings): Promise<Worker[]> {
  const { slots, workflows } = settings;
  return [
    await createWorker(settings, TASK_QUEUES.main, {
      ...workflows,
      maxConcurrentActivityTaskExecutions: RECORD_SLOTS,
      stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
      maxCachedWorkflows: CACHED_WORKFLOWS,
    }),
    await createWorker(settings, TASK_QUEUES.control, { maxConcurrentActivityTaskExecutions: CONTROL_SLOTS }),
    await createWorker(settings, TASK_QUEUES.optimize, jobSlots(slots.optimize)),
    await createWorker(settings, TASK_QUEUES.train, jobSlots(slots.train)),
    await createWorker(settings, TASK_QUEUES.evaluate, jobSlots(slots.evaluate)),
  ];
}

function jobSlots(slots: number): Partial<WorkerOptions> {
  return { maxConcurrentActivityTaskExecutions: slots, maxConcurrentActivityTaskPolls: Math.min(slots, 5) };
}

function createWorker(
  { connection, namespace, activities, version }: WorkerSettings,
  taskQueue: string,
  options: Partial<WorkerOptions>,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    activities,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    ...(version && {
      workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' },
    }),
    shutdownForceTime: SHUTDOWN_FORCE_TIME,
    ...options,
  });
}

/** Runs until `stop` resolves or one worker fails; then all end. Rejects with the failure. */
export async function runWorkers(workers: readonly Worker[], stop: Promise<void>): Promise<void> {
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  void stop.then(shutdown);
  const runs = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      shutdown();
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(runs)).find((run) => run.status === 'rejected');
  if (failed) throw failed.reason;
}
