/**
 * What people may ask of a running task: pause, resume, cancel, other stop conditions; and the two questions they may put to it.
 * Handlers and validators are synchronous: nothing is in flight when the workflow continues as new, and a refused update is
 * refused before it is accepted. Pausing takes hold at phase boundaries.
 * Not covered: ending the remote job of a cancelled task (`phase.ts`) and its last records (`task-lifecycle.ts`).
 */
import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { stopConditionFaults, withPatch } from '../src/domain/stop-condition-patch';
import type { StopConditions } from '../src/domain/stop-conditions';
import { isTerminal, type LiveStatus } from '../src/domain/task-status';
import {
  MESSAGE_NAMES,
  type ControlAnswer,
  type ControlRequest,
  type LoopState,
  type TaskProgressView,
  type TaskSpec,
  type TaskStatusView,
  type UpdateStopConditionsRequest,
} from '../src/contracts/task-workflow';
import { requestCancellation } from './activity-options';
import { PHASE_OF_STATUS } from './phase-names';
import type { TaskRecord } from './task-record';

const pauseSignal = defineSignal<[ControlRequest?]>(MESSAGE_NAMES.pause);
const resumeSignal = defineSignal<[ControlRequest?]>(MESSAGE_NAMES.resume);
const cancelSignal = defineSignal<[ControlRequest?]>(MESSAGE_NAMES.cancel);
const pauseUpdate = defineUpdate<ControlAnswer, [ControlRequest?]>(MESSAGE_NAMES.pause);
const resumeUpdate = defineUpdate<ControlAnswer, [ControlRequest?]>(MESSAGE_NAMES.resume);
const stopConditionsUpdate = defineUpdate<StopConditions, [UpdateStopConditionsRequest]>(
  MESSAGE_NAMES.updateStopConditions,
);
const statusQuery = defineQuery<TaskStatusView>(MESSAGE_NAMES.status);
const progressQuery = defineQuery<TaskProgressView>(MESSAGE_NAMES.progress);

const MAX_REASON_CHARACTERS = 500;

export class TaskControl {
  /** A cancel was asked for, by signal or of Temporal itself; nothing else can be asked for any more. */
  cancelling = false;
  /** The last place where a pause could take hold is behind: only the final test is left. */
  finishing = false;
  /** Where a suspended task goes on. */
  private resumesTo: LiveStatus | null = null;

  constructor(
    private readonly task: TaskSpec,
    private readonly state: LoopState,
    private readonly record: TaskRecord,
  ) {
    this.handleSignals();
    this.handleUpdates();
    this.answerQueries();
  }

  /**
   * A place where a pause may take hold: suspends the task while it is asked for, then brings it to `resumesTo`.
   * Throws when the task was cancelled, before or meanwhile.
   */
  async pausePoint(resumesTo: LiveStatus): Promise<void> {
    await this.cancelPoint();
    if (!this.state.paused) return;
    // The table knows no way from PENDING to SUSPENDED.
    if (this.state.status === 'PENDING') await this.record.transition('OPTIMIZING');
    this.resumesTo = resumesTo;
    const suspendedAt = Date.now();
    await this.record.transition('SUSPENDED');
    await condition(() => !this.state.paused);
    this.state.pausedMs += Date.now() - suspendedAt;
    await this.cancelPoint();
    this.resumesTo = null;
    await this.record.transition(resumesTo);
    // A second pause may have come while that was being written.
    await this.pausePoint(resumesTo);
  }

  /** Throws when the task was cancelled. After a cancel signal it waits for Temporal's own cancellation, which is on its way. */
  async cancelPoint(): Promise<void> {
    await condition(() => !this.cancelling);
  }

  private handleSignals(): void {
    setHandler(
      pauseSignal,
      (request) => {
        if (this.mayPause() && !this.state.paused) this.pause(request);
      },
      { description: 'Suspend the task when its running phase has ended. Optional argument: {"reason": "…"}' },
    );
    setHandler(
      resumeSignal,
      (request) => {
        if (this.isOpen() && this.state.paused) this.resume(request);
      },
      { description: 'Go on with a suspended task. Optional argument: {"reason": "…"}' },
    );
    setHandler(
      cancelSignal,
      (request) => {
        if (this.isOpen()) this.cancel(request);
      },
      { description: 'End the task and its running job. Optional argument: {"reason": "…"}' },
    );
  }

  private handleUpdates(): void {
    setHandler(
      pauseUpdate,
      (request) => {
        if (!this.state.paused) this.pause(request);
        return this.answer();
      },
      {
        description: 'Suspend the task when its running phase has ended; answers at once.',
        validator: (_request?: ControlRequest) => {
          if (this.state.status === 'SUSPENDED' && this.state.paused) refuse('the task is suspended already');
          if (!this.mayPause()) refuse(`a task that is ${this.standing()} cannot be paused`);
        },
      },
    );
    setHandler(
      resumeUpdate,
      (request) => {
        this.resume(request);
        return this.answer();
      },
      {
        description: 'Go on with a suspended task, or call off a pause that has not taken hold yet.',
        validator: (_request?: ControlRequest) => {
          if (!this.isOpen() || !this.state.paused) refuse(`a task that is ${this.standing()} cannot be resumed`);
        },
      },
    );
    setHandler(stopConditionsUpdate, (request) => this.editStopConditions(request), {
      description: 'Change some stop conditions of a CONTINUOUS task, such as {"maxIterations": 8}; absent ones stay.',
      validator: ({ actor: _actor, ...patch }) => {
        if (this.task.mode !== 'CONTINUOUS') refuse('a STANDARD task has no stop conditions');
        if (!this.isOpen()) refuse(`the stop conditions of a task that is ${this.standing()} cannot change`);
        const faults = stopConditionFaults(patch);
        if (faults.length > 0) refuse(faults.join('; '));
      },
    });
  }

  private answerQueries(): void {
    setHandler(statusQuery, () => this.statusView(), { description: 'Status, control state and stop conditions.' });
    setHandler(progressQuery, () => this.progressView(), { description: 'Iteration, phase and scores so far.' });
  }

  private isOpen(): boolean {
    return !isTerminal(this.state.status) && !this.cancelling;
  }

  private mayPause(): boolean {
    return this.isOpen() && !this.finishing;
  }

  private standing(): string {
    if (isTerminal(this.state.status)) return this.state.status;
    if (this.cancelling) return 'being cancelled';
    return this.finishing ? 'in its final test' : this.state.status;
  }

  private answer(): ControlAnswer {
    return { status: this.state.status, controlState: this.record.controlState };
  }

  private pause(request: unknown): void {
    const { reason, actor } = readRequest(request);
    this.state.paused = { reason, requestedAt: Date.now() };
    this.record.controlState = this.state.status === 'SUSPENDED' ? 'none' : 'pausing';
    this.note('pause', reason, actor);
  }

  private resume(request: unknown): void {
    const { reason, actor } = readRequest(request);
    this.state.paused = null;
    this.record.controlState = this.state.status === 'SUSPENDED' ? 'resuming' : 'none';
    this.note('resume', reason, actor);
  }

  private cancel(request: unknown): void {
    const { reason, actor } = readRequest(request);
    this.cancelling = true;
    this.record.controlState = 'cancelling';
    this.note('cancel', reason, actor);
    // Only a cancellation that the server knows of ends an execution as cancelled.
    const { workflowId, runId } = workflowInfo();
    const requested = CancellationScope.nonCancellable(() => requestCancellation({ workflowId, runId }));
    requested.catch(() => undefined);
  }

  /** Temporal's own cancellation has arrived, with or without a signal before it. The next write shows it. */
  cancelled(): void {
    if (!this.cancelling) this.record.decided('cancel', this.state.iteration, { reason: null }, 'operator');
    this.cancelling = true;
    this.record.controlState = 'cancelling';
  }

  private note(kind: 'pause' | 'resume' | 'cancel', reason: string | null, actor: string): void {
    this.record.decided(kind, this.state.iteration, { reason, status: this.state.status }, actor);
    this.record.set({ controlReason: reason });
    void this.record.write();
  }

  private editStopConditions({ actor, ...patch }: UpdateStopConditionsRequest): StopConditions {
    const before = this.state.stopConditions;
    const after = withPatch(before, patch);
    this.state.stopConditions = after;
    this.record.decided('edit-stop-conditions', this.state.iteration, { before, after }, readActor(actor));
    this.record.set({ stopConditions: after });
    void this.record.write();
    return after;
  }

  private statusView(): TaskStatusView {
    const { status, iteration, seq, champion, stopConditions } = this.state;
    return {
      taskId: this.task.taskId,
      status,
      controlState: this.record.controlState,
      resumesTo: this.resumesTo,
      iteration,
      seq,
      championIteration: champion?.iteration ?? null,
      stopConditions,
      stopReason: this.state.stopReason,
    };
  }

  private progressView(): TaskProgressView {
    const { status, iteration, stopConditions, scoreHistory, champion } = this.state;
    return {
      iteration,
      maxIterations: stopConditions.maxIterations,
      phase: PHASE_OF_STATUS[status] ?? null,
      scoreHistory,
      championIteration: champion?.iteration ?? null,
    };
  }
}

function refuse(why: string): never {
  throw new Error(why);
}

/** Signals come from anyone with access to Temporal and hold anything: what is not as expected counts as absent. */
function readRequest(request: unknown): { reason: string | null; actor: string } {
  const { reason, actor } = (typeof request === 'object' && request !== null ? request : {}) as Record<string, unknown>;
  return {
    reason: typeof reason === 'string' ? reason.slice(0, MAX_REASON_CHARACTERS) : null,
    actor: readActor(actor),
  };
}

function readActor(actor: unknown): string {
  return typeof actor === 'string' && /^user:\d+$/.test(actor) ? actor : 'operator';
}
