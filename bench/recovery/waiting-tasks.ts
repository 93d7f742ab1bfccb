/**
 * Many suspended tasks: what they cost the worker's memory while nothing happens, and how soon one wakes. The worker is a process of its
 * own, so that its memory is its own.
 */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { MESSAGE_NAMES, taskWorkflowId } from '../../src/contracts/task-workflow';
import { queryTaskStatus, resumeTask } from '../../src/temporal/control-task';
import { startTask } from '../../src/temporal/start-task';
import { loadTask, openNamespace } from './load-world';
import { residentBytes } from './people';

const STARTED_AT_ONCE = 20;

export interface WaitingTasks {
  tasks: number;
  idleBytes: number;
  waitingBytes: number;
  overIdleBytes: number;
  /** From the call of `resume` to its answer, which only a workflow that is awake can give; milliseconds, sorted. */
  wakeMs: number[];
}

/** Starts so many tasks, each suspended before it computes anything, and wakes some of them one by one. */
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
        const task = loadTask('STANDARD');
        taskIds.push(task.taskId);
        if (taskIds.length % 1000 === 0) log(`${taskIds.length} tasks started`);
        await startTask(client, task);
        await client.workflow.getHandle(taskWorkflowId(task.taskId)).signal(MESSAGE_NAMES.pause, { reason: 'a rest' });
      }
    };
    await Promise.all(Array.from({ length: STARTED_AT_ONCE }, begin));
    await allSuspended(client, tasks, log);
    await settle(worker);
    const waitingBytes = residentBytes(worker.pid);

    const wakeMs: number[] = [];
    for (let wake = 0; wake < wakes; wake += 1) {
      const taskId = taskIds[Math.floor((wake * tasks) / wakes)] ?? '';
      const asked = performance.now();
      await resumeTask(client, taskId);
      wakeMs.push(performance.now() - asked);
    }
    const last = taskIds[0] ?? '';
    if ((await queryTaskStatus(client, last)).status === 'SUSPENDED') throw new Error(`task ${last} did not wake`);
    wakeMs.sort((a, b) => a - b);
    return { tasks, idleBytes, waitingBytes, overIdleBytes: waitingBytes - idleBytes, wakeMs };
  } finally {
    worker.removeAllListeners('exit');
    worker.kill('SIGTERM');
    await close();
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
