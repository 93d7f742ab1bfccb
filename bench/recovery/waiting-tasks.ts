/**
 * Many suspended tasks: what they cost the worker's memory while nothing happens, and how soon one wakes. The worker is a process of its
 * own, so that its memory is its own.
 */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { MESSAGE_NAMES, taskWorkflowId } from '../../src/contracts/task-workflow';
import type { TaskStatus } from '../../src/domain/task-status';
import { queryTaskStatus, resumeTask } from '../../src/temporal/control-task';
import { startTask } from '../../src/temporal/start-task';
import { HELD_SEGMENTS, heldTask, loadTask, openNamespace } from './load-world';
import { residentBytes, sleep } from './people';

const STARTED_AT_ONCE = 20;
/**
 * Every so many tasks one is suspended in its training, after some segments of it, with the history of all that: what a real task is. The
 * others never computed anything, so that thousands are started in minutes.
 */
const IN_TRAINING_EVERY = 10;

export interface WaitingTasks {
  tasks: number;
  /** How many of them are suspended in their training. */
  inTraining: number;
  /** Events in the history of one of each kind. */
  historyEvents: { inTraining: number; before: number };
  idleBytes: number;
  waitingBytes: number;
  overIdleBytes: number;
  /** From the call of `resume` to its answer, which only a workflow that is awake can give; milliseconds, sorted. */
  wakeMs: number[];
  /** Those of the above that were suspended in their training. */
  wakeInTrainingMs: number[];
}

/** Starts so many tasks, each suspended in its training or before it computes anything, and wakes some of both one by one. */
export async function measureWaitingTasks(
  address: string,
  { tasks, wakes }: { tasks: number; wakes: number },
  log: (line: string) => void,
): Promise<WaitingTasks> {
  const { client, namespace, close } = await openNamespace(address);
  const worker = fork(path.join(__dirname, 'load-worker.js'), [address, namespace], {
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

async function allSuspended(client: Client, tasks: number, log: (line: string) => void): Promise<void> {
  for (let shown = -1; ;) {
    const { count } = await client.workflow.count('WlopsStatus = "SUSPENDED"');
    if (count >= tasks) return;
    if (Math.floor(count / 1000) !== shown) log(`${count} tasks suspended`);
    shown = Math.floor(count / 1000);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

/** Caches end, and the collector runs. */
async function settle(worker: ChildProcess): Promise<void> {
  worker.send('collect');
  await new Promise((resolve) => setTimeout(resolve, 10_000));
}
