/** Passes of retention that an administrator asks for, beside those of the schedule. Both may run at once: what is gone is gone. */
import {
  isGrpcDeadlineError,
  isGrpcServiceError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { MAINTENANCE_WORKFLOWS, type RetentionReport, type RetentionRequest } from '../contracts/maintenance';
import { TASK_QUEUES } from '../contracts/task-workflow';
import { AppError, notFound } from '../domain/errors';
import { callTemporal } from './deadline';

/** One workflow of each kind at a time: a dry run must never be taken for the other. */
const WORKFLOW_IDS = { 'dry-run': 'wlops-retention-dry-run', 'by-hand': 'wlops-retention-by-hand' } as const;

type Kind = keyof typeof WORKFLOW_IDS;

/** The API ends a connection that is silent for two minutes. */
const WAIT_MS = 60_000;

/** Temporal ends a wait a little before its deadline, and refuses what would be asked in what is left, with errors of several kinds. */
const LAST_MOMENT_MS = 100;

/** Starts a pass, or finds the one of the same kind that goes on. Answers with an id for `retentionReport`. */
export async function startRetention(client: Client, request: RetentionRequest): Promise<string> {
  const kind: Kind = request.dryRun ? 'dry-run' : 'by-hand';
  const { firstExecutionRunId } = await callTemporal(client, () =>
    client.workflow.start(MAINTENANCE_WORKFLOWS.retention, {
      workflowId: WORKFLOW_IDS[kind],
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: TASK_QUEUES.main,
      args: [request],
      staticSummary: request.dryRun ? 'tells what retention would remove' : 'retention, asked for by an administrator',
    }),
  );
  return `${kind}_${firstExecutionRunId}`;
}

/**
 * The report of a pass, waited for at most `waitMs`; null when it goes on. Throws `AppError` `NOT_FOUND` for an id of no pass, and
 * `INTERNAL` for a pass that failed, which the worker's log tells more of.
 */
export async function retentionReport(
  client: Client,
  retentionId: string,
  waitMs = WAIT_MS,
): Promise<RetentionReport | null> {
  const [kind, runId] = retentionId.split('_') as [Kind, string];
  const deadline = Date.now() + waitMs;
  try {
    const handle = client.workflow.getHandle(WORKFLOW_IDS[kind], runId);
    return (await client.withDeadline(deadline, () => handle.result())) as RetentionReport;
  } catch (error) {
    if (isDeadline(error)) return null;
    if (error instanceof WorkflowNotFoundError) throw notFound('pass of retention');
    if (error instanceof WorkflowFailedError) {
      throw new AppError('INTERNAL', 'the pass of retention failed; the log of the worker says why', { cause: error });
    }
    // A run id that is none is refused as an argument.
    if (error instanceof ServiceError && /invalid.*(run ?id|uuid)/i.test(String(error.cause ?? error)))
      throw notFound('pass of retention');
    if (isGrpcServiceError(error) || error instanceof ServiceError) {
      if (Date.now() > deadline - LAST_MOMENT_MS) return null;
      throw new AppError('SERVICE_UNAVAILABLE', 'Temporal does not answer', { retryAfterSeconds: 5, cause: error });
    }
    throw error;
  }
}

function isDeadline(error: unknown): boolean {
  return isGrpcDeadlineError(error) || (error instanceof ServiceError && isGrpcDeadlineError(error.cause));
}
