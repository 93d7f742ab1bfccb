/** The trainer's job of one iteration. */
import { trainResult } from '../src/contracts/job-schemas';
import type { TrainRequest, TrainResult } from '../src/contracts/jobs';
import { runJob, type JobRunner } from './run-job';

/** Trains one model. See `runJob` for retries, cancellation and errors. */
export function trainModel(runner: JobRunner, request: TrainRequest): Promise<TrainResult> {
  return runJob(runner, request, trainResult);
}
