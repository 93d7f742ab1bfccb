/**
 * How soon a pause and a cancel take hold, from the API's answer: until the job's process is gone, and until the task's row says so. And
 * whether a training that was paused many times ends with the weights and the score of one that was left alone.
 */
import { jobProcesses, latency, People, sleep, untilHolds, type StackPlace } from './people';

export type Latency = ReturnType<typeof latency>;

export interface PauseFigures {
  processGoneMs: Latency;
  suspendedMs: Latency;
  /** From the answer of `resume` until the training takes its next step. */
  resumedMs: Latency;
  /** Trainings that were paused at random moments, how often, and how many ended as the undisturbed one did. */
  fidelity: { trainings: number; pauses: number; identical: number };
}

/** Pauses trainings at random moments, some times each. */
export async function measurePauses(
  place: StackPlace,
  trainings: number,
  log: (line: string) => void,
): Promise<PauseFigures> {
  const people = await People.open(place);
  const alone = await people.start();
  await people.when(alone, ({ status }) => status === 'COMPLETED');
  const undisturbed = await people.outcome(alone);
  const [gone, suspended, resumed]: [number[], number[], number[]] = [[], [], []];
  let identical = 0;
  for (let training = 0; training < trainings; training += 1) {
    const taskId = await people.start();
    let step = 1;
    // As long as some of the training is left.
    for (let pauses = 0; pauses < 4; pauses += 1) {
      step = await people.training(taskId, step);
      if (step > 2000) break;
      await sleep(Math.random() * 500);
      await people.call('POST', `tasks/${taskId}/pause`, {});
      const [processGone, row] = await Promise.all([
        untilHolds('the end of the process', () => jobProcesses(place) === 0),
        untilHolds('the suspension', async () => (await people.task(taskId)).status === 'SUSPENDED'),
      ]);
      gone.push(processGone);
      suspended.push(row);
      await people.call('POST', `tasks/${taskId}/resume`, {});
      const from = performance.now();
      await people.training(taskId, step);
      resumed.push(performance.now() - from);
    }
    await people.when(taskId, ({ status }) => status === 'COMPLETED');
    if ((await people.outcome(taskId)) === undisturbed) identical += 1;
    log(`${training + 1} trainings, ${gone.length} pauses`);
  }
  return {
    ...{ processGoneMs: latency(gone), suspendedMs: latency(suspended), resumedMs: latency(resumed) },
    fidelity: { trainings, pauses: gone.length, identical },
  };
}

export interface CancelFigures {
  /** Of those tasks for which a process worked when they were cancelled. */
  processGoneMs: Latency;
  cancelledMs: Latency;
}

/** Cancels tasks at random moments of their first seconds: in any phase, between them, or suspended. */
export async function measureCancels(
  place: StackPlace,
  cancels: number,
  log: (line: string) => void,
): Promise<CancelFigures> {
  const people = await People.open(place);
  const [gone, cancelled]: [number[], number[]] = [[], []];
  for (let cancel = 0; cancel < cancels; cancel += 1) {
    const taskId = await people.start();
    if (cancel % 3 === 0) await people.training(taskId);
    if (cancel % 6 === 0) {
      await people.call('POST', `tasks/${taskId}/pause`, {});
      await people.when(taskId, ({ status }) => status === 'SUSPENDED');
    }
    await sleep(Math.random() * 1500);
    const worked = jobProcesses(place) > 0;
    await people.call('POST', `tasks/${taskId}/cancel`, {});
    const [processGone, row] = await Promise.all([
      untilHolds('the end of the process', () => jobProcesses(place) === 0),
      untilHolds('the end of the task', async () => (await people.task(taskId)).status === 'CANCELLED'),
    ]);
    if (worked) gone.push(processGone);
    cancelled.push(row);
    if (cancel % 20 === 19) log(`${cancel + 1} cancels, ${gone.length} of them of a process`);
  }
  return { processGoneMs: latency(gone), cancelledMs: latency(cancelled) };
}
