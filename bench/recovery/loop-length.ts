/**
 * A loop of many iterations: how long each takes, first and last, and how large the history of a run grows. Each run is one iteration;
 * the server spaces runs shorter than a second unless `history.workflowIdReuseMinimalInterval` is 0.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, taskWorkflowId } from '../../src/contracts/task-workflow';
import { startTask } from '../../src/temporal/start-task';
import { loadTask, openNamespace, startLoadWorkers } from './load-world';

/** What makes the server suggest a new run. */
const SUGGESTED = { events: 4096, bytes: 4 * 1024 * 1024 };

export interface LoopLength {
  iterations: number;
  /** Seconds of the first and the last tenth of the iterations. */
  firstTenthSeconds: number;
  lastTenthSeconds: number;
  /** Last over first: 1 when the loop grows no slower. */
  ratio: number;
  /** Of the largest of the runs looked at: the last, and each thousandth. */
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
  try {
    const task = loadTask('CONTINUOUS', iterations);
    await startTask(client, task);
    const handle = client.workflow.getHandle(taskWorkflowId(task.taskId));
    const tenth = Math.floor(iterations / 10);
    const reachedAt: number[] = [performance.now()];
    const sizes: { events: number; bytes: number }[] = [];
    for (let reached = 0; reached < iterations;) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { status, historyLength, historySize = 0, iteration } = await described(handle);
      reached = status === 'RUNNING' ? iteration : iterations;
      while (reachedAt.length <= Math.floor(reached / tenth)) {
        reachedAt.push(performance.now());
        sizes.push({ events: historyLength, bytes: historySize });
        log(
          `${(reachedAt.length - 1) * tenth} iterations after ${(((reachedAt.at(-1) ?? 0) - (reachedAt[0] ?? 0)) / 1000).toFixed(0)} s`,
        );
      }
    }
    await handle.result();
    const between = (from: number, to: number) => ((reachedAt[to] ?? NaN) - (reachedAt[from] ?? NaN)) / 1000;
    const [first, last] = [between(0, 1), between(reachedAt.length - 2, reachedAt.length - 1)];
    const { historyLength, historySize = 0 } = await handle.describe();
    const events = Math.max(historyLength, ...sizes.map((one) => one.events));
    const bytes = Math.max(historySize, ...sizes.map((one) => one.bytes));
    return {
      ...{ iterations, firstTenthSeconds: first, lastTenthSeconds: last, ratio: last / first, events, bytes },
      shareOfHint: Math.max(events / SUGGESTED.events, bytes / SUGGESTED.bytes),
    };
  } finally {
    await endWorkers();
    await close();
  }
}

async function described(handle: WorkflowHandle) {
  const { status, historyLength, historySize, typedSearchAttributes } = await handle.describe();
  const iteration = typedSearchAttributes.getAll().find(({ key }) => key.name === SEARCH_ATTRIBUTES.iteration.name);
  return { status: status.name, historyLength, historySize, iteration: Number(iteration?.value ?? 0) };
}
