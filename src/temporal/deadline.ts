/** The edge towards Temporal: every call ends in time, and what goes wrong becomes one of our errors. */
import {
  isGrpcServiceError,
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { AppError, notFound } from '../domain/errors';
import { isTemporalReachable } from './connection';

/** People wait for the answer; Temporal itself is asked again by them. */
export const CALL_TIMEOUT_MS = 8_000;

/** The client tries a server that is away again until the deadline of the call; people are told sooner. */
const AWAY_AFTER_MS = 1_500;

/** Runs a call with a deadline, unless Temporal is away. Errors that are not about Temporal pass through. */
export async function callTemporal<Result>(
  client: Client,
  call: () => Promise<Result>,
  timeoutMs: number = CALL_TIMEOUT_MS,
): Promise<Result> {
  // Before the call and not beside it: its retries could not be ended, and would outlive the connection.
  if (!(await isTemporalReachable(client, AWAY_AFTER_MS))) {
    throw new AppError('SERVICE_UNAVAILABLE', 'Temporal does not answer', { retryAfterSeconds: 5 });
  }
  try {
    return await client.withDeadline(Date.now() + timeoutMs, call);
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (error instanceof WorkflowNotFoundError) return notFound('a running workflow of this task');
  if (error instanceof WorkflowUpdateFailedError) {
    return new AppError('ILLEGAL_TRANSITION', error.cause?.message ?? error.message, { cause: error });
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    return unavailable('no worker has answered in time; the request may still be carried out', error);
  }
  if (isGrpcServiceError(error) || error instanceof ServiceError) return unavailable('Temporal does not answer', error);
  return error;
}

function unavailable(message: string, cause: Error): AppError {
  return new AppError('SERVICE_UNAVAILABLE', message, { detail: cause.message, retryAfterSeconds: 5, cause });
}
