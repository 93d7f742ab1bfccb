/** The optimizer's job of one iteration. */
import { optimizeResult } from '../src/contracts/job-schemas';
import type { OptimizeRequest, OptimizeResult } from '../src/contracts/jobs';
import { runJob, stage, type JobRunner } from './run-job';
import { whileBeating } from './while-beating';

/** With what only the store knows. Absent in histories that were recorded when the record of the task asked for it. */
export type SizedOptimizeResult = OptimizeResult & { trainBytes?: number };

/**
 * Makes the rows of one iteration. See `runJob` for retries, cancellation and errors. Asks for their size here, where a cancel breaks in
 * while the object store is away: behind a record that waits for it, every later one would wait too. A pause finds the job at its end, so
 * it takes hold after the phase, and waits for the store.
 */
export async function optimizeDataset(
  runner: JobRunner,
  sizeOf: (key: string) => Promise<number>,
  request: OptimizeRequest,
): Promise<SizedOptimizeResult> {
  const result = await runJob(runner, request, optimizeResult);
  try {
    return { ...result, trainBytes: await whileBeating(() => sizeOf(result.train.key)) };
  } catch (error) {
    await runner.writeProgress(request.taskId, stage('waiting for the object store')).catch(() => undefined);
    throw error;
  }
}
