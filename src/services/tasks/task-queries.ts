/** Reading tasks: one, many, their history, curves and events. */
import type { EvaluateResult, TrainResult } from '../../contracts/jobs';
import type { Caller } from '../../domain/access';
import { AppError, notFound } from '../../domain/errors';
import { isTerminal } from '../../domain/task-status';
import { mayActFor, scopeOf } from '../../policies/access';
import type { Page } from '../../repositories/scope';
import type { DecisionRow, EventRow, ExecutionRow, TaskHistoryRepository } from '../../repositories/task-history';
import type { TaskFilter, TaskRepository, TaskRow } from '../../repositories/tasks';

/** What one iteration measured; null where its phase has not ended. */
export interface IterationMetrics {
  iteration: number;
  evaluation: EvaluateResult | null;
  training: TrainResult | null;
}

const EVENT_BATCH = 200;

export class TaskQueries {
  constructor(
    private readonly tasks: TaskRepository,
    private readonly history: TaskHistoryRepository,
  ) {}

  async get(caller: Caller, taskId: string): Promise<TaskRow> {
    const task = await this.tasks.find(scopeOf(caller), taskId);
    if (!task) throw notFound('task');
    return task;
  }

  /** Tasks of `userId`, or of everyone the caller may see when it is null; newest first. 403 for someone else's. */
  list(
    caller: Caller,
    userId: number | null,
    filter: TaskFilter,
    limit: number,
    before: bigint | null,
  ): Promise<Page<TaskRow>> {
    if (userId !== null && !mayActFor(caller, userId)) throw new AppError('FORBIDDEN', 'userId: must be your own');
    return this.tasks.list(userId === null ? scopeOf(caller) : { userId }, filter, limit, before);
  }

  async executions(caller: Caller, taskId: string, limit: number, after: bigint | null): Promise<Page<ExecutionRow>> {
    const task = await this.get(caller, taskId);
    return forwardPage(await this.history.executions(task, limit + 1, after), limit);
  }

  async decisions(caller: Caller, taskId: string, limit: number, after: bigint | null): Promise<Page<DecisionRow>> {
    const task = await this.get(caller, taskId);
    return forwardPage(await this.history.decisions(task, limit + 1, after), limit);
  }

  /** Scores and loss curves by iteration; of several segments of a phase the last one counts. */
  async metrics(caller: Caller, taskId: string): Promise<{ task: TaskRow; iterations: IterationMetrics[] }> {
    const task = await this.get(caller, taskId);
    const iterations = new Map<number, IterationMetrics>();
    for (const { iteration, phase, details } of await this.history.finishedPhases(task)) {
      const entry = iterations.get(iteration) ?? { iteration, evaluation: null, training: null };
      if (phase === 'evaluation') entry.evaluation = details as unknown as EvaluateResult | null;
      if (phase === 'training') entry.training = details as unknown as TrainResult | null;
      iterations.set(iteration, entry);
    }
    return { task, iterations: [...iterations.values()] };
  }

  /** Events after `after`, oldest first, and whether more can follow; none for a reader who may not see the task any more. */
  async eventsAfter(
    reader: Caller | null,
    task: TaskRow,
    after: bigint,
  ): Promise<{ events: EventRow[]; ended: boolean }> {
    // The status is read first: events written before a final status are then among those read after it.
    const now = reader && (await this.tasks.find(scopeOf(reader), task.taskId));
    if (!now) return { events: [], ended: true };
    const events = await this.history.events(now, EVENT_BATCH, after);
    return { events, ended: isTerminal(now.status) && events.length < EVENT_BATCH };
  }
}

function forwardPage<Row extends { id: bigint }>(rows: Row[], limit: number): Page<Row> {
  const page = rows.slice(0, limit);
  return { rows: page, nextCursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
}
