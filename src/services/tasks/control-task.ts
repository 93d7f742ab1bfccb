/**
 * Start, pause, resume, cancel, fail, new stop conditions and hyperparameters. The workflow decides; here it is asked, and what can be
 * known to be wrong is refused before. A task without a workflow is changed in its row.
 */
import type {
  ControlAnswer,
  ControlRequest,
  TaskSpec,
  UpdateHyperparametersRequest,
  UpdateStopConditionsRequest,
} from '../../contracts/task-workflow';
import type { Caller } from '../../domain/access';
import { AppError, notFound } from '../../domain/errors';
import { neutralHyperparameterFaults } from '../../domain/neutral-hyperparameters';
import type { StopConditions } from '../../domain/stop-conditions';
import { isTerminal } from '../../domain/task-status';
import type { Logger } from '../../logger';
import { scopeOf } from '../../policies/access';
import type { TaskRepository, TaskRow } from '../../repositories/tasks';
import { stopConditionsOf } from '../../repositories/task-specs';
import type { Clock } from '../clock';

/** The workflows as this service needs them: `src/temporal`, bound to a client. */
export interface TaskWorkflows {
  start(spec: TaskSpec): Promise<unknown>;
  pause(taskId: string, request: ControlRequest): Promise<ControlAnswer>;
  resume(taskId: string, request: ControlRequest): Promise<ControlAnswer>;
  cancel(taskId: string, request: ControlRequest): Promise<void>;
  fail(taskId: string, request: ControlRequest): Promise<void>;
  updateStopConditions(taskId: string, request: UpdateStopConditionsRequest): Promise<StopConditions>;
  updateHyperparameters(
    taskId: string,
    request: UpdateHyperparametersRequest,
  ): Promise<Record<string, number | string | boolean>>;
}

export interface ControlTaskDeps {
  tasks: TaskRepository;
  workflows: TaskWorkflows;
  logger: Logger;
  clock: Clock;
}

/** Changes of the stop conditions; absent ones stay. */
export type StopConditionsChange = Partial<StopConditions>;

const illegal = (message: string): AppError => new AppError('ILLEGAL_TRANSITION', message);

export class TaskControl {
  constructor(private readonly deps: ControlTaskDeps) {}

  /**
   * Keeps the wish to start and starts the workflow. When Temporal does not answer the wish stays, and the worker's sweeper carries
   * it out. A task that was started already answers as it is.
   */
  async start(caller: Caller, taskId: string): Promise<{ task: TaskRow; accepted: boolean }> {
    const task = await this.find(caller, taskId);
    if (isTerminal(task.status)) throw illegal(`a task that is ${task.status} cannot be started; create a new one`);
    if (task.workflowStartedAt) return { task, accepted: false };
    await this.deps.tasks.requestStart(task, this.deps.clock());
    // It may have been cancelled, or started by another call, since it was read.
    const asked = await this.find(caller, taskId);
    if (isTerminal(asked.status)) throw illegal(`the task is ${asked.status} meanwhile and cannot be started`);
    try {
      await this.deps.workflows.start(await this.deps.tasks.spec(asked));
      await this.deps.tasks.markWorkflowStarted(task, this.deps.clock());
    } catch (error) {
      this.deps.logger.warn({ taskId, err: error }, 'the workflow could not be started now; the sweeper will start it');
    }
    return { task: await this.find(caller, taskId), accepted: true };
  }

  async pause(caller: Caller, taskId: string, reason: string | null): Promise<TaskRow> {
    await this.checkStarted(caller, taskId, 'paused');
    const answer = await this.ask(caller, taskId, () => this.deps.workflows.pause(taskId, request(caller, reason)));
    return { ...(await this.find(caller, taskId)), ...answer };
  }

  async resume(caller: Caller, taskId: string, reason: string | null): Promise<TaskRow> {
    await this.checkStarted(caller, taskId, 'resumed');
    const answer = await this.ask(caller, taskId, () => this.deps.workflows.resume(taskId, request(caller, reason)));
    return { ...(await this.find(caller, taskId)), ...answer };
  }

  /** Ends a task from any state that is not final. One without a workflow is CANCELLED at once. */
  async cancel(caller: Caller, taskId: string, reason: string | null): Promise<TaskRow> {
    const task = await this.find(caller, taskId);
    if (isTerminal(task.status)) throw illegal(`a task that is ${task.status} cannot be cancelled`);
    if (!task.startRequestedAt && (await this.cancelRow(caller, task, reason))) return this.find(caller, taskId);
    try {
      await this.deps.workflows.cancel(taskId, request(caller, reason));
    } catch (error) {
      // A start that was asked for but has not got through: the sweeper starts PENDING tasks only.
      if (await this.cancelRow(caller, task, reason)) return this.find(caller, taskId);
      if (isNotFound(error) && (await this.cancelLost(caller, task, reason))) return this.find(caller, taskId);
      throw await this.explain(caller, taskId, error);
    }
    await this.deps.tasks.markCancelling(task, reason);
    return this.find(caller, taskId);
  }

  /** Ends a started task as FAILED, suspended or not. The task's row shows the outcome when its job has ended. */
  async fail(caller: Caller, taskId: string, reason: string | null): Promise<TaskRow> {
    const task = await this.checkStarted(caller, taskId, 'failed');
    if (task.controlState === 'cancelling') throw illegal('a task that is being cancelled or failed cannot be failed');
    await this.ask(caller, taskId, () => this.deps.workflows.fail(taskId, request(caller, reason)));
    await this.deps.tasks.markCancelling(task, reason);
    return this.find(caller, taskId);
  }

  private cancelRow(caller: Caller, task: TaskRow, reason: string | null): Promise<boolean> {
    return this.deps.tasks.cancelUnstarted(task, actor(caller), reason, this.deps.clock());
  }

  /** Of a task whose workflow is gone, as after Temporal lost its data, the row is all that is left to end. */
  private cancelLost(caller: Caller, task: TaskRow, reason: string | null): Promise<boolean> {
    this.deps.logger.warn(
      { taskId: task.taskId },
      'Temporal has no running workflow of this task; its row is cancelled',
    );
    return this.deps.tasks.cancelLost(task, actor(caller), reason, this.deps.clock());
  }

  /** Changes what ends the loop, while it runs or before. */
  async changeStopConditions(caller: Caller, taskId: string, change: StopConditionsChange): Promise<TaskRow> {
    const task = await this.find(caller, taskId);
    if (task.taskMode === 'STANDARD') throw new AppError('CONFLICT', 'a STANDARD task has no loop to stop');
    if (isTerminal(task.status)) throw illegal(`a task that is ${task.status} has no stop conditions to change`);
    const merged = { ...stopConditionsOf(task), ...change };
    if (await this.deps.tasks.changeUnstarted(task, merged, actor(caller), this.deps.clock()))
      return this.find(caller, taskId);
    const { maxIterations, performanceThreshold, ...policies } = await this.ask(caller, taskId, () =>
      this.deps.workflows.updateStopConditions(taskId, { ...change, actor: actor(caller) }),
    );
    return { ...(await this.find(caller, taskId)), maxIterations, performanceThreshold, stopPolicies: { ...policies } };
  }

  /** Changes how a suspended task trains, but not what comes out of it. Throws `HYPERPARAMETER_INVALID`, and `ILLEGAL_TRANSITION`. */
  async changeHyperparameters(caller: Caller, taskId: string, change: Record<string, unknown>): Promise<TaskRow> {
    await this.find(caller, taskId);
    const faults = neutralHyperparameterFaults(change);
    if (faults[0])
      throw new AppError('HYPERPARAMETER_INVALID', faults[0], { details: { fields: faults.map(fieldOf) } });
    await this.checkStarted(caller, taskId, 'given other hyperparameters');
    const hyperparameters = await this.ask(caller, taskId, () =>
      this.deps.workflows.updateHyperparameters(taskId, {
        hyperparameters: change as Record<string, number>,
        actor: actor(caller),
      }),
    );
    return { ...(await this.find(caller, taskId)), hyperparameters };
  }

  private async find(caller: Caller, taskId: string): Promise<TaskRow> {
    const task = await this.deps.tasks.find(scopeOf(caller), taskId);
    if (!task) throw notFound('task');
    return task;
  }

  /** Refuses what no workflow can do. The rest is for the workflow to say: the row may be a moment behind it. */
  private async checkStarted(caller: Caller, taskId: string, asked: string): Promise<TaskRow> {
    const task = await this.find(caller, taskId);
    if (isTerminal(task.status)) throw illegal(`a task that is ${task.status} cannot be ${asked}`);
    if (!task.startRequestedAt) throw illegal(`a task that was not started cannot be ${asked}`);
    return task;
  }

  /** What the workflow answers: newer than the row, which follows when the workflow next writes. */
  private async ask<Answer>(caller: Caller, taskId: string, call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call();
    } catch (error) {
      throw await this.explain(caller, taskId, error);
    }
  }

  /** A workflow that has ended in between is no missing task but one that can no longer be controlled. */
  private async explain(caller: Caller, taskId: string, error: unknown): Promise<unknown> {
    if (!isNotFound(error)) return error;
    const task = await this.find(caller, taskId);
    return new AppError('ILLEGAL_TRANSITION', `the task has no running workflow; it is ${task.status}`, {
      cause: error,
    });
  }
}

/** Of a sentence such as `hyperparameters.x: must be a number`. */
function fieldOf(fault: string): { field: string; message: string } {
  const [field = '', ...message] = fault.split(': ');
  return { field, message: message.join(': ') };
}

function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.code === 'NOT_FOUND';
}

function actor(caller: Caller): string {
  return `user:${caller.userId}`;
}

function request(caller: Caller, reason: string | null): ControlRequest {
  return { actor: actor(caller), ...(reason === null ? {} : { reason }) };
}
