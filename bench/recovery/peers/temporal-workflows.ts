/** Bare Temporal: the same runs without anything of WLOps. */
import {
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';

export interface PeerActivities {
  step(folder: string): Promise<void>;
  nothing(): Promise<void>;
  note(folder: string, name: string, text?: string): Promise<void>;
}

const { note } = proxyLocalActivities<PeerActivities>({ startToCloseTimeout: '10s' });
const { nothing } = proxyActivities<PeerActivities>({ startToCloseTimeout: '10s' });

export const wakeUpdate = defineUpdate('wake');

/** One step that works until it is ended. */
export async function work(folder: string, heartbeatTimeoutMs: number): Promise<void> {
  const { step } = proxyActivities<PeerActivities>({
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: heartbeatTimeoutMs,
  });
  await step(folder);
}

/** Three steps per iteration, and a new run for each, as WLOps does. */
export async function loop(folder: string, iterations: number, iteration = 0): Promise<void> {
  if (iteration % (iterations / 10) === 0) await note(folder, 'marks', String(iteration));
  if (iteration === iterations) return;
  await nothing();
  await nothing();
  await nothing();
  await continueAsNew<typeof loop>(folder, iterations, iteration + 1);
}

/** Waits until it is woken. */
export async function wait(folder: string): Promise<void> {
  let awake = false;
  setHandler(wakeUpdate, () => {
    awake = true;
  });
  await note(folder, 'waiting');
  await condition(() => awake);
}
