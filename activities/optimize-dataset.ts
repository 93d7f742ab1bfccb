/** The optimizer's job of one iteration. */
import { optimizeResult } from '../src/contracts/job-schemas';
import type { OptimizeRequest, OptimizeResult } from '../src/contracts/jobs';
import { runJob, type JobRunner } from './run-job';

/** Makes the rows of one iteration. See `runJob` for retries, cancellation and errors. */
export function optimizeDataset(runner: JobRunner, request: OptimizeRequest): Promise<OptimizeResult> {
  return runJob(runner, request, optimizeResult);
}
