/**
 * What happened to a task: executions, decisions and events. Callers hold the task's row, which they got through a scope;
 * taking the row and not an id keeps the owner check in front of these reads.
 */
import type { Db } from '../db';
import type { MlTask, TaskDecision, TaskEvent, TaskExecution } from '../generated/prisma/client';

export type ExecutionRow = TaskExecution;
export type DecisionRow = TaskDecision;
export type EventRow = TaskEvent;

export class TaskHistoryRepository {
  constructor(private readonly db: Db) {}

  /** In the order they were started. `after` is the id of the last one seen. */
  executions(task: MlTask, limit: number, after: bigint | null): Promise<ExecutionRow[]> {
    return this.db.taskExecution.findMany({
      where: { taskId: task.taskId, ...(after === null ? {} : { id: { gt: after } }) },
      orderBy: { id: 'asc' },
      take: limit,
    });
  }

  /** The finished trainings and evaluations, for curves; at most two for each of 1000 iterations. */
  finishedPhases(task: MlTask): Promise<ExecutionRow[]> {
    return this.db.taskExecution.findMany({
      where: { taskId: task.taskId, status: 'completed' },
      orderBy: [{ iteration: 'asc' }, { id: 'asc' }],
      take: 3000,
    });
  }

  decisions(task: MlTask, limit: number, after: bigint | null): Promise<DecisionRow[]> {
    return this.db.taskDecision.findMany({
      where: { taskId: task.taskId, ...(after === null ? {} : { id: { gt: after } }) },
      orderBy: { id: 'asc' },
      take: limit,
    });
  }

  events(task: MlTask, limit: number, after: bigint): Promise<EventRow[]> {
    return this.db.taskEvent.findMany({
      where: { taskId: task.taskId, id: { gt: after } },
      orderBy: { id: 'asc' },
      take: limit,
    });
  }
}
