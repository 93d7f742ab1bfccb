/** What an activity's failure says, as data: for the next segment's decision and for the task's row. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure, type TemporalFailure } from '@temporalio/workflow';
import type { JobError } from '../src/contracts/jobs';
import type { TaskFailure } from '../src/contracts/task-workflow';

/** The job error an activity failed with, or null when the failure holds none. */
export function jobErrorOf(error: unknown): JobError | null {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    const message = `the phase did not end within its time limit (${cause.timeoutType})`;
    return { code: 'PHASE_TIMED_OUT', message, details: null, retryable: false };
  }
  if (!(cause instanceof ApplicationFailure)) return null;
  const [given] = (cause.details ?? []) as (Partial<JobError> | undefined)[];
  return {
    code: cause.type ?? 'INTERNAL',
    message: cause.message,
    details: given?.details ?? null,
    retryable: given?.retryable ?? false,
  };
}

/** Why the task fails, as its user reads it. */
export function taskFailureOf(error: TemporalFailure, phase: TaskFailure['phase']): TaskFailure {
  const failure = jobErrorOf(error) ?? { code: 'INTERNAL', message: error.message, details: null, retryable: false };
  return { ...failure, phase };
}
