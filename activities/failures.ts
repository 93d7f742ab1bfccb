/**
 * Any error → `ApplicationFailure`: the type is a stable code, the message is for the user, `nonRetryable` says that Temporal need
 * not try again, and the first detail is the `JobError` that the workflow decides by. Applied once, at the activity's edge.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { JobError, JobRestart, ServiceName } from '../src/contracts/jobs';
import { AppError } from '../src/domain/errors';

/** A service that cannot be used now. Trying again, as often as it takes, is right. */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable';

  constructor(
    readonly service: ServiceName,
    readonly reason: string,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(`waiting for the ${service}: ${reason}`);
  }
}

/** A job that is over without a result. `error.retryable` says whether the next segment may have more luck. */
export class JobOver extends Error {
  override readonly name = 'JobOver';

  constructor(
    readonly error: JobError,
    /** Told in the details, whole, however large those are. */
    readonly restarts: readonly JobRestart[] = [],
  ) {
    super(error.message);
  }
}

/** Whether the service does not know the job. */
export function isLost(error: unknown): boolean {
  return error instanceof JobOver && error.error.code === 'JOB_LOST';
}

/** The job error for a code, without details. */
export function jobOver(code: string, message: string, retryable = false, restarts?: readonly JobRestart[]): JobOver {
  return new JobOver({ code, message, details: null, retryable }, restarts);
}

const MAX_RETRY_AFTER_SECONDS = 60;
/** Details travel in Temporal's history: what is larger is cut, and the job's own log has it. */
const MAX_DETAILS_CHARACTERS = 20_000;
const MAX_STAGE_CHARACTERS = 200;

/** Translates for Temporal. Cancellation passes through: it is not a failure. */
export function toFailure(error: unknown): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (error instanceof ServiceUnavailable) {
    const { retryAfterSeconds } = error;
    return ApplicationFailure.create({
      type: 'SERVICE_UNAVAILABLE',
      message: error.message,
      ...(retryAfterSeconds === null
        ? {}
        : { nextRetryDelay: Math.min(retryAfterSeconds, MAX_RETRY_AFTER_SECONDS) * 1000 }),
    });
  }
  if (error instanceof JobOver) {
    const { code, message, retryable } = error.error;
    const told = bounded(error.error.details);
    const restarts = error.restarts.length > 0 ? { restarts: error.restarts.map(briefly) } : null;
    const details: JobError = { code, message, retryable, details: told || restarts ? { ...told, ...restarts } : null };
    return ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [details] });
  }
  if (error instanceof AppError) {
    const { code, message, retryable } = error;
    return ApplicationFailure.create({ type: code, message, nonRetryable: !retryable, cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}

function bounded(details: JobError['details']): JobError['details'] {
  if (details === null || JSON.stringify(details).length <= MAX_DETAILS_CHARACTERS) return details;
  return { truncated: JSON.stringify(details).slice(0, MAX_DETAILS_CHARACTERS) };
}

function briefly(restart: JobRestart): JobRestart {
  return { ...restart, stage: restart.stage?.slice(0, MAX_STAGE_CHARACTERS) ?? null };
}
