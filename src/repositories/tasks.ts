/**
 * What the control centre reads and writes of `ml_tasks`: creation, the intent to start, and the changes of a task that has no
 * workflow yet. Every other column belongs to the workflow (`task-records.ts`).
 */
import type { TaskSpec } from '../contracts/task-workflow';
import type { Alongside, Db } from '../db';
import type { Scope } from '../domain/access';
import type { Operators } from '../domain/operators';
import type { StopConditions } from '../domain/stop-conditions';
import type { MlTask, Prisma, TaskMode, TaskStatus } from '../generated/prisma/client';
import { toPage, within, type Page } from './scope';
import { loadTaskSpec, stopColumns } from './task-specs';
import { TERMINAL_STATUSES } from './task-statuses';

export type TaskRow = MlTask;

export interface NewTask {
  taskId: string;
  taskName: string;
  taskMode: TaskMode;
  modelName: string;
  userId: number;
  datasetId: string;
  validationDatasetId: string | null;
  testDatasetId: string | null;
  poolDatasetId: string | null;
  operators: Operators;
  hyperparameters: Record<string, number | string | boolean>;
  seed: number;
  metric: string | null;
  taskType: string | null;
  stopConditions: StopConditions;
}

export interface TaskFilter {
  status?: TaskStatus;
  taskMode?: TaskMode;
}

export class TaskRepository {
  constructor(private readonly db: Db) {}

  /** Writes the row and its first event. Answers with the id of a data set that is gone meanwhile instead, if one is. */
  async create(
    { stopConditions, operators, ...task }: NewTask,
    alongside?: Alongside<TaskRow>,
  ): Promise<TaskRow | { missingDatasetId: string }> {
    const used = [task.datasetId, task.validationDatasetId, task.testDatasetId, task.poolDatasetId].filter(
      (id) => id !== null,
    );
    return this.db.$transaction(async (tx) => {
      for (const datasetId of [...new Set(used)].sort()) {
        // Shared with other creations, but not with a delete: see DatasetRepository.softDelete.
        const rows = await tx.$queryRaw<unknown[]>`
          SELECT 1 FROM datasets WHERE dataset_id = ${datasetId} AND deleted_at IS NULL FOR SHARE`;
        if (rows.length === 0) return { missingDatasetId: datasetId };
      }
      const payload = { taskId: task.taskId, status: 'PENDING', controlState: 'none', taskMode: task.taskMode };
      const row = await tx.mlTask.create({
        data: {
          ...task,
          ...stopColumns(stopConditions),
          operators: { ...operators },
          events: { create: { seq: 0, type: 'task.created', payload } },
        },
      });
      await alongside?.(tx, row);
      return row;
    });
  }

  find(scope: Scope, taskId: string): Promise<TaskRow | null> {
    return this.db.mlTask.findUnique({ where: { taskId, ...within(scope) } });
  }

  /** Newest first. */
  async list(scope: Scope, filter: TaskFilter, limit: number, before: bigint | null): Promise<Page<TaskRow>> {
    const rows = await this.db.mlTask.findMany({
      where: { ...filter, ...within(scope), ...(before === null ? {} : { id: { lt: before } }) },
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    return toPage(rows, limit);
  }

  spec(task: TaskRow): Promise<TaskSpec> {
    return loadTaskSpec(this.db, task);
  }

  /** Keeps the wish to start, once; the worker's sweeper starts what has no workflow yet. */
  async requestStart(task: TaskRow, now: Date): Promise<void> {
    await this.db.mlTask.updateMany({
      where: { id: task.id, status: 'PENDING', startRequestedAt: null },
      data: { startRequestedAt: now },
    });
  }

  async markWorkflowStarted(task: TaskRow, now: Date): Promise<void> {
    await this.db.mlTask.updateMany({
      where: { id: task.id, workflowStartedAt: null },
      data: { workflowStartedAt: now },
    });
  }

  /** Cancels a task that has no workflow. False when it has got one meanwhile. */
  cancelUnstarted(task: TaskRow, actor: string, reason: string | null, now: Date): Promise<boolean> {
    return this.cancelWhere({ status: 'PENDING', workflowStartedAt: null }, task, actor, reason, now);
  }

  /** Cancels a task whose workflow is gone. False when the row has moved since it was read: then it is not. */
  cancelLost(task: TaskRow, actor: string, reason: string | null, now: Date): Promise<boolean> {
    return this.cancelWhere({ status: task.status, seq: task.seq }, task, actor, reason, now);
  }

  private cancelWhere(
    as: Prisma.MlTaskWhereInput,
    task: TaskRow,
    actor: string,
    reason: string | null,
    now: Date,
  ): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.mlTask.updateMany({
        where: { id: task.id, ...as },
        data: {
          status: 'CANCELLED',
          controlState: 'none',
          controlReason: reason,
          completedAt: now,
          seq: { increment: 1 },
        },
      });
      if (count === 0) return false;
      const seq = task.seq + 1;
      const payload = { taskId: task.taskId, status: 'CANCELLED', controlState: 'none', from: task.status };
      await tx.taskEvent.create({ data: { taskId: task.taskId, seq, type: 'task.status', payload } });
      await tx.taskDecision.create({
        data: {
          ...{ taskId: task.taskId, seq, iteration: task.currentIteration, kind: 'cancel' },
          ...{ facts: { reason }, actor, decidedAt: now },
        },
      });
      await tx.taskExecution.updateMany({
        where: { taskId: task.taskId, status: 'running' },
        data: { status: 'cancelled', completedAt: now },
      });
      return true;
    });
  }

  /** Shows that a cancel is under way, until the workflow writes the outcome. */
  async markCancelling(task: TaskRow, reason: string | null): Promise<void> {
    await this.db.mlTask.updateMany({
      where: { id: task.id, status: { notIn: TERMINAL_STATUSES } },
      data: { controlState: 'cancelling', controlReason: reason },
    });
  }

  /** Changes the stop conditions of a task that has no workflow. False when it has got one meanwhile. */
  async changeUnstarted(task: TaskRow, conditions: StopConditions, actor: string, now: Date): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.mlTask.updateMany({
        where: { id: task.id, status: 'PENDING', startRequestedAt: null, seq: task.seq },
        data: stopColumns(conditions),
      });
      if (count === 0) return false;
      const facts = conditions as unknown as Prisma.InputJsonObject;
      // The workflow counts its writes from 1 and must find the row at 0: what came before it is numbered downwards.
      const seq = -1 - (await tx.taskDecision.count({ where: { taskId: task.taskId } }));
      await tx.taskDecision.create({
        data: { taskId: task.taskId, seq, iteration: 0, kind: 'edit-stop-conditions', facts, actor, decidedAt: now },
      });
      return true;
    });
  }
}
