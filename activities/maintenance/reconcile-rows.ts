/**
 * Ends the rows of tasks whose workflow has ended without them: terminated, timed out, lost. A task whose workflow runs is never touched,
 * and neither is one whose row has moved since it was looked at.
 */
import { log } from '@temporalio/activity';
import type { WorkflowClient } from '@temporalio/client';
import type { RowsReport } from '../../src/contracts/maintenance';
import type { TaskChange } from '../../src/contracts/task-record';
import { AppError } from '../../src/domain/errors';
import { verdictOf, type Verdict, type WorkflowEnd } from '../../src/domain/reconciliation';
import { isTerminal } from '../../src/domain/task-status';
import type { ReconciliationRepository, StandingTask } from '../../src/repositories/reconciliation';
import type { TaskRecordRepository } from '../../src/repositories/task-records';
import { whileBeating } from '../while-beating';
import { sideBySide } from './side-by-side';
import { withReason, workflowState } from './task-workflow';

const PAGE = 500;
const AT_ONCE = 10;
/** From so many tasks on that Temporal does not know, and no more that it knows, it is taken for another server. */
const MIN_UNKNOWN = 3;
/** What goes to Temporal's history is bounded; the log has all. */
const MAX_TOLD = 50;

export interface RowReconciler {
  reads: ReconciliationRepository;
  records: TaskRecordRepository;
  workflowClient: WorkflowClient;
  /** Rows written since are left alone: a workflow that has just ended is about to write. */
  quietSeconds: number;
  writeReport: (taskId: string) => Promise<void>;
}

/** Compares every quiet row with its workflow. May be repeated safely. */
export function reconcileRows(deps: RowReconciler, now = () => new Date()): Promise<RowsReport> {
  return whileBeating(async () => {
    const report: RowsReport = { checked: 0, ended: [], endedInAll: 0, unchecked: 0 };
    const quietSince = new Date(now().getTime() - deps.quietSeconds * 1000);
    const unknown: string[] = [];
    let known = 0;
    const end = async (taskId: string) => {
      const code = await reconcileRow(deps, taskId, now());
      if (code === null) return;
      report.endedInAll += 1;
      if (report.ended.length < MAX_TOLD) report.ended.push({ taskId, code });
    };
    const compare = async (taskId: string, comparison: () => Promise<void>) => {
      try {
        await comparison();
      } catch (error) {
        report.unchecked += 1;
        log.warn('a task could not be compared with its workflow', { taskId, error: String(error) });
      }
    };
    for (let after = 0n, more = true; more;) {
      const page = await deps.reads.quietTasks(quietSince, after, PAGE);
      await sideBySide(page, AT_ONCE, async ({ taskId }) => {
        report.checked += 1;
        await compare(taskId, async () => {
          const state = await workflowState(deps.workflowClient, taskId);
          if (state === 'NOT_FOUND') return void unknown.push(taskId);
          known += 1;
          if (state !== 'goes on') await end(taskId);
        });
      });
      after = page.at(-1)?.id ?? after;
      more = page.length === PAGE;
    }
    if (isAnotherServer(known, unknown.length)) known += await knownBusyTasks(deps, quietSince);
    if (isAnotherServer(known, unknown.length)) {
      report.unchecked += unknown.length;
      log.error(
        'Temporal does not know most of the tasks; those were not ended. Is it the right server and namespace?',
        {
          tasks: unknown.length,
          known,
        },
      );
    } else {
      await sideBySide(unknown, AT_ONCE, (taskId) => compare(taskId, () => end(taskId)));
    }
    return report;
  });
}

/** A server that does not know most of several tasks has not lost them one by one; those that it knows were started since. */
function isAnotherServer(known: number, unknown: number): boolean {
  return unknown >= MIN_UNKNOWN && unknown >= known;
}

/** Of tasks at work, how many Temporal knows: where most are, few are quiet. */
async function knownBusyTasks({ reads, workflowClient }: RowReconciler, quietSince: Date): Promise<number> {
  let known = 0;
  await sideBySide(await reads.busyTasks(quietSince, PAGE), AT_ONCE, async ({ taskId }) => {
    const state = await workflowState(workflowClient, taskId).catch(() => 'NOT_FOUND');
    if (state !== 'NOT_FOUND') known += 1;
  });
  return known;
}

/** The code the task ended with, or null when it needed no end or got one from its workflow meanwhile. */
async function reconcileRow(deps: RowReconciler, taskId: string, now: Date): Promise<string | null> {
  const { workflowClient: client } = deps;
  const standing = await deps.reads.standingTask(taskId);
  if (!standing || isTerminal(standing.task.status)) return null;
  // Asked once more after the row was read: whatever the workflow wrote before it ended is in what was read, or has moved the row on.
  const state = await workflowState(client, taskId);
  if (state === 'goes on') return null;
  const end = await withReason(client, taskId, state);
  const verdict = verdictOf(end);
  if (!(await applied(deps.records, changeOf(standing, end, verdict, now)))) return null;
  log.warn('ended a task whose workflow had ended without it', { taskId, workflow: state, status: verdict.status });
  await deps.writeReport(taskId).catch((error: unknown) => {
    log.warn('the report of a reconciled task could not be written', { taskId, error: String(error) });
  });
  return verdict.failure?.code ?? verdict.status;
}

/** False when the row has moved on, or is gone. */
async function applied(records: TaskRecordRepository, change: TaskChange): Promise<boolean> {
  try {
    return await records.apply(change, new Map());
  } catch (error) {
    if (error instanceof AppError && (error.code === 'ILLEGAL_TRANSITION' || error.code === 'NOT_FOUND')) return false;
    throw error;
  }
}

function changeOf(
  { task, running }: StandingTask,
  { state, reason }: WorkflowEnd,
  { status, failure }: Verdict,
  now: Date,
): TaskChange {
  const at = now.getTime();
  const details = { workflow: state, reason, status: task.status };
  const phase = running.at(-1)?.phase ?? null;
  const told = failure && { ...failure, retryable: false, details };
  return {
    taskId: task.taskId,
    userId: task.userId,
    seq: task.seq + 1,
    at,
    status,
    controlState: 'none',
    fields: told ? { failure: { ...told, phase } } : {},
    executions: running.map((execution) => ({
      ...execution,
      ...(told ? { status: 'failed', failure: told } : { status: 'cancelled' }),
      completedAt: at,
    })),
    decisions: [{ kind: 'reconcile', iteration: task.currentIteration, facts: details, actor: 'maintenance' }],
    datasets: [],
  };
}
