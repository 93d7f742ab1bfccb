/**
 * What the reconcile reads of tasks and executions, of all users. What it writes goes through `TaskRecordRepository.apply`, like every
 * change of a task. No scope here: the caller is the worker, which acts for the installation.
 */
import type { JobPhase } from '../contracts/jobs';
import type { ExecutionRecord } from '../contracts/task-record';
import type { Db } from '../db';
import type { TaskStatus } from '../domain/task-status';
import type { MlTask, TaskExecution } from '../generated/prisma/client';
import { TERMINAL_STATUSES } from './task-statuses';

/** A task that is being reconciled, and its executions that show `running`. */
export interface StandingTask {
  task: MlTask;
  running: ExecutionRecord[];
}

/** What of a task's row tells whether its jobs and its workflow are wanted. */
export interface TaskStanding {
  taskId: string;
  status: TaskStatus;
  completedAt: Date | null;
  updatedAt: Date;
}

export class ReconciliationRepository {
  constructor(private readonly db: Db) {}

  /**
   * Ids of tasks that have not ended, have a workflow and were not written since `quietSince`, in order of `id`, from after `after` on. A
   * task has a workflow if that is known, or if it has left PENDING, which only a workflow does.
   */
  quietTasks(quietSince: Date, after: bigint, limit: number): Promise<{ id: bigint; taskId: string }[]> {
    return this.db.mlTask.findMany({
      where: {
        id: { gt: after },
        status: { notIn: TERMINAL_STATUSES },
        updatedAt: { lt: quietSince },
        OR: [{ workflowStartedAt: { not: null } }, { status: { not: 'PENDING' } }],
      },
      orderBy: { id: 'asc' },
      select: { id: true, taskId: true },
      take: limit,
    });
  }

  /** Those that `quietTasks` leaves out because they were written since, the latest first. */
  busyTasks(quietSince: Date, limit: number): Promise<{ taskId: string }[]> {
    return this.db.mlTask.findMany({
      where: { status: { notIn: [...TERMINAL_STATUSES, 'PENDING'] }, updatedAt: { gte: quietSince } },
      orderBy: { updatedAt: 'desc' },
      select: { taskId: true },
      take: limit,
    });
  }

  /** Null when the task has no row. */
  async standingTask(taskId: string): Promise<StandingTask | null> {
    const task = await this.db.mlTask.findUnique({ where: { taskId } });
    if (!task) return null;
    const running = await this.db.taskExecution.findMany({
      where: { taskId, status: 'running' },
      orderBy: { id: 'asc' },
    });
    return { task, running: running.map(executionRecord) };
  }

  /** The newest segment of a phase in an iteration; null where there is no row, as of a final test. */
  async newestSegment(taskId: string, iteration: number, phase: JobPhase): Promise<number | null> {
    if (phase === 'final') return null;
    const { _max } = await this.db.taskExecution.aggregate({
      where: { taskId, iteration, phase },
      _max: { segment: true },
    });
    return _max.segment;
  }

  /** Those of the tasks that have a row, by id. */
  async standings(taskIds: string[]): Promise<Map<string, TaskStanding>> {
    const rows = await this.db.mlTask.findMany({
      where: { taskId: { in: taskIds } },
      select: { taskId: true, status: true, completedAt: true, updatedAt: true },
    });
    return new Map(rows.map((row) => [row.taskId, row]));
  }
}

function executionRecord(row: TaskExecution): ExecutionRecord {
  const { iteration, phase, segment, status, inputDatasetId, outputDatasetId, modelPath, evaluationPath, score } = row;
  return {
    ...{ iteration, phase, segment, status, inputDatasetId, outputDatasetId, modelPath, evaluationPath, score },
    details: row.details as unknown as ExecutionRecord['details'],
    failure: row.failure as unknown as ExecutionRecord['failure'],
    startedAt: row.startedAt.getTime(),
    completedAt: row.completedAt?.getTime() ?? null,
  };
}
