/** The evaluator's job of one iteration, or the one read of the sealed test rows. */
import { evaluateResult } from '../src/contracts/job-schemas';
import type { EvaluateRequest, EvaluateResult } from '../src/contracts/jobs';
import { runJob, type JobRunner } from './run-job';

/** Scores one model. See `runJob` for retries, cancellation and errors. */
export function evaluateModel(runner: JobRunner, request: EvaluateRequest): Promise<EvaluateResult> {
  return runJob(runner, request, evaluateResult);
}
