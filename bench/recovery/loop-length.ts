/**
 * A loop of many iterations: whether the last ones are as fast as the first, and how large the history of a run grows. Each run is one
 * iteration; the server spaces runs shorter than a second unless `history.workflowIdReuseMinimalInterval` is 0. The last tenth is
 * measured beside the first iterations of a loop that starts then, so that whatever else the machine does meets both.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, taskWorkflowId } from '../../src/contracts/task-workflow';
import { startTask } from '../../src/temporal/start-task';
import { loadTask, openNamespace, startLoadWorkers } from './load-world';

/** An iteration takes less than a second. */
const STUCK_MS = 120_000;

/** What makes the server suggest a new run. */
const SUGGESTED = { events: 4096, bytes: 4 * 1024 * 1024 };

export interface LoopLength {
  iterations: number;
  seconds: number;
  /** Iterations of the old loop and of the young one while the old one went through its last tenth. */
  old: number;
  young: number;
  /** Seconds an iteration of the old loop over those of the young one: 1 when a loop grows no slower. */
  ratio: number;
  /** Of the largest of the runs looked at: the last, and one of each tenth. */
  events: number;
  bytes: number;
  /** The larger of the two as a share of what makes the server suggest a new run. */
  shareOfHint: number;
}

/** Runs one loop of so many iterations to its end. */
export async function measureLoopLength(
  address: string,
  iterations: number,
  log: (line: string) => void,
): Promise<LoopLength> {
  const { client, namespace, close } = await openNamespace(address);
  const endWorkers = await startLoadWorkers(address, namespace);
  const begin = async (): Promise<WorkflowHandle> => {
    const task = loadTask('CONTINUOUS', iterations);
    await startTask(client, task);
    return client.workflow.getHandle(taskWorkflowId(task.taskId));
  };
  try {
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    const tenth = Math.floor(iterations / 10);
    const loop = await begin();
    const sizes: { events: number; bytes: number }[] = [];
    for (let tenths = 1; tenths <= 9; tenths += 1) {
      sizes.push(await reached(loop, tenths * tenth));
      log(`${tenths * tenth} iterations after ${seconds().toFixed(0)} s`);
    }
    const young = await begin();
    await reached(young, 1);
    const from = { old: (await described(loop)).iteration, young: (await described(young)).iteration };
    await reached(loop, iterations - 1);
    const to = { old: (await described(loop)).iteration, young: (await described(young)).iteration };
    await loop.result();
    await young.terminate('the measurement is over');
    sizes.push(await described(loop));
    const went = { old: to.old - from.old, young: to.young - from.young };
    const [events, bytes] = [Math.max(...sizes.map((one) => one.events)), Math.max(...sizes.map((one) => one.bytes))];
    return {
      ...{ iterations, seconds: seconds(), ...went, ratio: went.young / went.old, events, bytes },
      shareOfHint: Math.max(events / SUGGESTED.events, bytes / SUGGESTED.bytes),
    };
  } finally {
    await endWorkers();
    await close();
  }
}

/**
 * Waits until the loop has come so far, or has ended, and answers with the size of the run of then. Throws when it has not moved for two
 * minutes.
 */
async function reached(loop: WorkflowHandle, iteration: number): Promise<{ events: number; bytes: number }> {
  let [last, movedAt] = [-1, performance.now()];
  for (;;) {
    const now = await described(loop);
    if (now.iteration >= iteration || now.status !== 'RUNNING') return now;
    if (now.iteration !== last) movedAt = performance.now();
    last = now.iteration;
    if (performance.now() - movedAt > STUCK_MS) throw new Error(`the loop stands still at iteration ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function described(handle: WorkflowHandle) {
  const { status, historyLength, historySize = 0, typedSearchAttributes } = await handle.describe();
  const iteration = typedSearchAttributes.getAll().find(({ key }) => key.name === SEARCH_ATTRIBUTES.iteration.name);
  return { status: status.name, events: historyLength, bytes: historySize, iteration: Number(iteration?.value ?? 0) };
}
