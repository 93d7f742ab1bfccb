/**
 * Many suspended tasks: what they cost the worker's memory while nothing happens, and how soon one wakes. The worker is a process of its
 * own, so that its memory is its own.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { MESSAGE_NAMES, taskWorkflowId } from '../../src/contracts/task-workflow';
import type { TaskStatus } from '../../src/domain/task-status';
import { queryTaskStatus, resumeTask } from '../../src/temporal/control-task';
import { startTask } from '../../src/temporal/start-task';
import { HELD_SEGMENTS, heldTask, loadTask, openNamespace } from './load-world';
import { residentBytes, sleep } from './people';

const STARTED_AT_ONCE = 20;
/** Visibility is behind by seconds at most. */
const STUCK_MS = 300_000;
/** For a heap of ten thousand tasks, on a machine that does other work. */
const COLLECTED_MS = 60_000;
/**
 * Every so many tasks one is suspended in its training, after some segments of it, and carries the state of all that: what a real task is.
 * The others never computed anything, so that thousands are started in minutes.
 */
const IN_TRAINING_EVERY = 10;

export interface WaitingTasks {
  tasks: number;
  /** How many of them are suspended in their training. */
  inTraining: number;
  /** Events in the history of the run in which one of each kind waits. */
  historyEvents: { inTraining: number; before: number };
  idleBytes: number;
  waitingBytes: number;
  overIdleBytes: number;
  /** From the call of `resume` to its answer, which only a workflow that is awake can give; milliseconds, sorted. */
  wakeMs: number[];
  /** Those of the above that were suspended in their training. */
  wakeInTrainingMs: number[];
}

/** Starts so many tasks, each suspended in its training or before it computes anything, and wakes some of both, one right after the other. */
export async function measureWaitingTasks(
  address: string,
  { tasks, wakes }: { tasks: number; wakes: number },
  log: (line: string) => void,
): Promise<WaitingTasks> {
  const { client, namespace, close } = await openNamespace(address);
  const worker = fork(path.join(__dirname, 'load-worker.js'), [address, namespace], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
    });
    await settle(worker);
    const idleBytes = residentBytes(worker.pid);
    const taskIds: string[] = [];
    const begin = async () => {
      while (taskIds.length < tasks) {
        const isHeld = taskIds.length % IN_TRAINING_EVERY === 0;
        const task = isHeld ? heldTask() : loadTask('STANDARD');
        taskIds.push(task.taskId);
        if (taskIds.length % 1000 === 0) log(`${taskIds.length} tasks started`);
        await startTask(client, task);
        if (isHeld) await suspendInTraining(client, task.taskId);
        else await client.workflow.getHandle(taskWorkflowId(task.taskId)).signal(MESSAGE_NAMES.pause, REST);
      }
    };
    await Promise.all(Array.from({ length: STARTED_AT_ONCE }, begin));
    await allSuspended(client, tasks, log);
    await settle(worker);
    const waitingBytes = residentBytes(worker.pid);

    const eventsOf = async (taskId = '') =>
      (await client.workflow.getHandle(taskWorkflowId(taskId)).describe()).historyLength;
    const historyEvents = { inTraining: await eventsOf(taskIds[0]), before: await eventsOf(taskIds[1]) };

    const [wakeMs, wakeInTrainingMs]: [number[], number[]] = [[], []];
    for (let wake = 0; wake < wakes; wake += 1) {
      const at = Math.floor((wake * tasks) / wakes);
      const asked = performance.now();
      await resumeTask(client, taskIds[at] ?? '');
      const took = performance.now() - asked;
      wakeMs.push(took);
      if (at % IN_TRAINING_EVERY === 0) wakeInTrainingMs.push(took);
    }
    const last = taskIds[0] ?? '';
    if ((await queryTaskStatus(client, last)).status === 'SUSPENDED') throw new Error(`task ${last} did not wake`);
    for (const times of [wakeMs, wakeInTrainingMs]) times.sort((a, b) => a - b);
    return {
      ...{ tasks, inTraining: Math.ceil(tasks / IN_TRAINING_EVERY), historyEvents },
      ...{ idleBytes, waitingBytes, overIdleBytes: waitingBytes - idleBytes, wakeMs, wakeInTrainingMs },
    };
  } finally {
    worker.removeAllListeners('exit');
    worker.kill('SIGTERM');
    await close();
  }
}

const REST = { reason: 'a rest' };

/** Suspends a task in each of its held segments; in the last of them it stays suspended. */
async function suspendInTraining(client: Client, taskId: string): Promise<void> {
  const handle = client.workflow.getHandle(taskWorkflowId(taskId));
  for (let segment = 1; segment <= HELD_SEGMENTS; segment += 1) {
    await untilIs(client, taskId, 'TRAINING');
    await handle.signal(MESSAGE_NAMES.pause, REST);
    await untilIs(client, taskId, 'SUSPENDED');
    if (segment < HELD_SEGMENTS) await handle.signal(MESSAGE_NAMES.resume, REST);
  }
}

/** Asks until it is so. A worker that starts many others may be too busy to answer. Throws after two minutes. */
async function untilIs(client: Client, taskId: string, wanted: TaskStatus): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const answer = await queryTaskStatus(client, taskId).catch(() => null);
    if (answer?.status === wanted) return;
    if (performance.now() > deadline) throw new Error(`task ${taskId} is ${answer?.status}, not ${wanted}`);
    await sleep(50);
  }
}

/** Throws when for five minutes no other task has come to rest. */
async function allSuspended(client: Client, tasks: number, log: (line: string) => void): Promise<void> {
  let [count, shown, movedAt] = [-1, -1, performance.now()];
  for (;;) {
    const now = (await client.workflow.count('ExecutionStatus = "Running" AND WlopsStatus = "SUSPENDED"')).count;
    if (now >= tasks) return;
    if (now !== count) movedAt = performance.now();
    count = now;
    if (performance.now() - movedAt > STUCK_MS) throw new Error(`${count} of ${tasks} tasks rest, and no other one`);
    if (Math.floor(count / 1000) !== shown) log(`${count} tasks suspended`);
    shown = Math.floor(count / 1000);
    await sleep(2000);
  }
}

/** Caches end, and the collector has run. */
async function settle(worker: ChildProcess): Promise<void> {
  await sleep(10_000);
  const answered = once(worker, 'message', { signal: AbortSignal.timeout(COLLECTED_MS) });
  worker.send('collect');
  const [answer] = (await answered) as unknown[];
  if (answer !== 'collected') throw new Error(`the worker answered ${String(answer)}`);
}
