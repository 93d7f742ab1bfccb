/**
 * Looks at workflows rather than rows. One that runs without a row is told of and left: its namespace may be shared with another
 * installation. One that still runs long after its row has ended is asked to cancel, since nothing it writes is taken any more. And closed
 * runs of the schedules are removed after an hour, for there are thousands a day and a namespace may keep closed runs for a month.
 */
import { log } from '@temporalio/activity';
import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import { SCHEDULE_IDS, type WorkflowsReport } from '../../src/contracts/maintenance';
import { taskWorkflowId } from '../../src/contracts/task-workflow';
import { isTerminal } from '../../src/domain/task-status';
import type { ReconciliationRepository } from '../../src/repositories/reconciliation';
import { whileBeating } from '../while-beating';
import { sideBySide } from './side-by-side';
import { workflowState } from './task-workflow';

const BATCH = 200;
const AT_ONCE = 10;
/** An ended task has its report to write, and perhaps a service to wait for. */
const OVERDUE_MS = 3_600_000;
const KEEP_CLOSED_MS = 3_600_000;
/** In one run; the next goes on. */
const MAX_REMOVED = 1000;

export interface WorkflowReviewer {
  reads: ReconciliationRepository;
  workflowClient: WorkflowClient;
  namespace: string;
}

/** Reviews running tasks and closed maintenance. May be repeated safely. */
export function reviewWorkflows(deps: WorkflowReviewer, now = () => new Date()): Promise<WorkflowsReport> {
  return whileBeating(async () => ({
    ...(await reviewRunning(deps, now())),
    removed: await removeClosed(deps, now()),
  }));
}

async function reviewRunning(
  { reads, workflowClient }: WorkflowReviewer,
  now: Date,
): Promise<Omit<WorkflowsReport, 'removed'>> {
  const report = { running: 0, withoutRow: 0, cancelled: 0 };
  const review = async (taskIds: string[]): Promise<void> => {
    const standings = await reads.standings(taskIds);
    report.running += taskIds.length;
    for (const taskId of taskIds) {
      const row = standings.get(taskId);
      if (!row) {
        report.withoutRow += 1;
        log.warn('a workflow runs whose task has no row here; it is left as it is', { taskId });
      } else if (isTerminal(row.status) && now.getTime() - (row.completedAt ?? row.updatedAt).getTime() > OVERDUE_MS) {
        report.cancelled += (await cancelOverdue(workflowClient, taskId)) ? 1 : 0;
      }
    }
  };
  const prefix = taskWorkflowId('');
  let batch: string[] = [];
  const query = 'ExecutionStatus = "Running" AND WlopsTaskId IS NOT NULL';
  for await (const { workflowId } of workflowClient.list({ query })) {
    if (workflowId.startsWith(prefix)) batch.push(workflowId.slice(prefix.length));
    if (batch.length < BATCH) continue;
    await review(batch);
    batch = [];
  }
  await review(batch);
  return report;
}

async function cancelOverdue(client: WorkflowClient, taskId: string): Promise<boolean> {
  if ((await workflowState(client, taskId)) !== 'goes on') return false;
  log.warn('cancelling a workflow that goes on though its task has ended', { taskId });
  try {
    await client.getHandle(taskWorkflowId(taskId)).cancel();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false; // It ended meanwhile.
    throw error;
  }
}

async function removeClosed({ workflowClient: client, namespace }: WorkflowReviewer, now: Date): Promise<number> {
  const before = new Date(now.getTime() - KEEP_CLOSED_MS).toISOString();
  const ids = Object.values(SCHEDULE_IDS).map((id) => `"${id}"`);
  const query = `TemporalScheduledById IN (${ids.join(', ')}) AND CloseTime < "${before}"`;
  const closed: { workflowId: string; runId: string }[] = [];
  for await (const { workflowId, runId } of client.list({ query, pageSize: MAX_REMOVED })) {
    closed.push({ workflowId, runId });
    if (closed.length === MAX_REMOVED) break;
  }
  let removed = 0;
  await sideBySide(closed, AT_ONCE, async (workflowExecution) => {
    try {
      await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
      removed += 1;
    } catch (error) {
      // Temporal was faster, by its own retention.
      if (!(error instanceof WorkflowNotFoundError) && !/not.?found/i.test(String(error)))
        log.warn('a closed maintenance run could not be removed', { ...workflowExecution, error: String(error) });
    }
  });
  return removed;
}
