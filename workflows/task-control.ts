/**
 * What people ask of a running task, and where it takes hold: pause, resume, cancel, fail, other settings. A pause interrupts the job
 * that runs; where none does it takes hold before the next one. Not covered: how it is asked for (`task-messages.ts`), ending the
 * remote job of an interrupted phase (`segments.ts`), and the last records of a task (`task-lifecycle.ts`).
 */
import { ApplicationFailure, CancellationScope, condition, patched, workflowInfo } from '@temporalio/workflow';
import { withPatch } from '../src/domain/stop-condition-patch';
import type { StopConditions } from '../src/domain/stop-conditions';
import { isTerminal, type LiveStatus } from '../src/domain/task-status';
import type {
  ControlAnswer,
  LoopState,
  PauseRequest,
  Suspension,
  TaskProgressView,
  TaskSpec,
  TaskStatusView,
  UpdateHyperparametersRequest,
  UpdateStopConditionsRequest,
} from '../src/contracts/task-workflow';
import { requestCancellation } from './activity-options';
import { continueInNextRun, isLongHistory } from './next-run';
import { PATCHES } from './patches';
import { PHASE_OF_STATUS } from './phase-names';
import type { TaskRecord } from './task-record';

const MAX_REASON_CHARACTERS = 500;

export class TaskControl {
  /** A cancel was asked for, by signal or of Temporal itself; nothing else can be asked for any more. */
  cancelling = false;
  /** The running job was called off for a pause, or because the task is to fail; not for a cancel. */
  interrupted = false;
  private failed: ApplicationFailure | null = null;
  private pauseInterrupts = false;
  private running: { scope: CancellationScope; pauses: boolean } | null = null;

  constructor(
    private readonly task: TaskSpec,
    private readonly state: LoopState,
    private readonly record: TaskRecord,
  ) {}

  /**
   * A place where a pause may take hold: suspends the task while it is asked for, then brings it to `resumesTo`.
   * Throws when the task was cancelled or is to fail, before or meanwhile.
   */
  async pausePoint(resumesTo: LiveStatus): Promise<void> {
    await this.endPoint();
    // A task may be SUSPENDED already, and its resume may have come while the run before continued as this one.
    if (this.state.status !== 'SUSPENDED') {
      if (!this.state.paused) return;
      await this.suspend(this.state.paused, resumesTo);
    }
    await condition(() => !this.state.paused || Boolean(this.state.failing) || this.leavesLongRun());
    // Edits of a suspended task are told to it, too.
    if (this.state.paused && !this.state.failing) await this.goOnInNextRun();
    this.state.pausedMs += Date.now() - (this.state.suspension?.since ?? Date.now());
    this.state.suspension = null;
    await this.endPoint();
    await this.record.transition(resumesTo);
    // A second pause may have come while that was being written.
    await this.pausePoint(resumesTo);
  }

  /**
   * The place between two jobs of one phase: a pause that interrupted the first takes hold before the second, and a phase of very many
   * jobs goes on in another run.
   */
  async pausePointBetweenJobs(resumesTo: LiveStatus): Promise<void> {
    // Of a long run it is the next one that hears a pause: the end of the job may have come together with it, or before it.
    const leaves = isLongHistory() && this.record.followsAnswers;
    if (!leaves && (this.pauseInterrupts || this.state.failing)) await this.pausePoint(resumesTo);
    if (!isLongHistory()) return;
    // What has been staged stays here.
    await this.record.write();
    await this.goOnInNextRun();
  }

  /** With a write under way nothing is decided yet: a resume may come together with its end, or just after it. */
  private leavesLongRun(): boolean {
    return isLongHistory() && (this.record.idle || !this.record.followsAnswers);
  }

  private goOnInNextRun(): Promise<never> {
    return continueInNextRun({ task: this.task, state: this.state, record: this.record, control: this });
  }

  /** Set when an operator wants the task to end as failed. */
  get failure(): ApplicationFailure | null {
    if (this.state.failing) this.failed ??= failedByOperator(this.state.failing);
    return this.failed;
  }

  /** Rejects when the task is cancelled or is to fail, now or later; never resolves. */
  async ended(): Promise<never> {
    await condition(() => this.failure !== null);
    throw this.failure ?? new Error('unreachable');
  }

  /**
   * Throws when the task was cancelled or is to fail. After a cancel signal it waits for Temporal's own cancellation, which is on its
   * way.
   */
  async endPoint(): Promise<void> {
    await condition(() => !this.cancelling);
    if (this.failure) throw this.failure;
  }

  /** Runs a job that a pause may call off, and an operator's `fail`; then it rejects with a cancellation, and `interrupted` is true. */
  interruptible<Result>(job: () => Promise<Result>): Promise<Result> {
    return this.inScope(job, true);
  }

  /** Runs what only an operator's `fail` may call off. */
  unlessFailed<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.inScope(work, false);
  }

  private async inScope<Result>(work: () => Promise<Result>, pauses: boolean): Promise<Result> {
    this.interrupted = false;
    const scope = new CancellationScope();
    this.running = { scope, pauses };
    try {
      return await scope.run(work);
    } finally {
      this.running = null;
    }
  }

  private async suspend(
    { reason, actor = 'operator', requestedAt }: PauseRequest,
    resumesTo: LiveStatus,
  ): Promise<void> {
    // The table knows no way from PENDING to SUSPENDED.
    if (this.state.status === 'PENDING') await this.record.transition('OPTIMIZING');
    const suspension: Suspension = { by: actor, reason, requestedAt, since: Date.now(), resumesTo };
    this.state.suspension = suspension;
    this.record.set({ suspension });
    await this.record.transition('SUSPENDED');
    const waits = this.isPaused && this.isOpen;
    // Weeks may pass until somebody resumes it, who then need not wait for the replay of all that was before. A long run ends here even
    // if it was resumed meanwhile, and without a marker, as it did before there was one.
    if (isLongHistory() || (waits && patched(PATCHES.waitsInOwnRun))) await this.goOnInNextRun();
  }

  get mode(): TaskSpec['mode'] {
    return this.task.mode;
  }

  /** Whether anything but a cancel can be asked for. */
  get isOpen(): boolean {
    return this.mayEnd && !this.state.failing;
  }

  get mayEnd(): boolean {
    return !isTerminal(this.state.status) && !this.cancelling;
  }

  /** Whether there are iterations ahead. */
  get isLooping(): boolean {
    return this.isOpen && !this.state.finishing;
  }

  /** A pause was asked for, whether it has taken hold or not. */
  get isPaused(): boolean {
    return this.state.paused !== null;
  }

  /** Until the resume. */
  get isSuspended(): boolean {
    return this.isPaused && this.state.status === 'SUSPENDED';
  }

  /** In a history recorded before that patch the final test is not paused. */
  get takesPauses(): boolean {
    return !this.state.finishing || patched(PATCHES.interruptingPause);
  }

  /** Where the task stands, for a sentence about what it cannot do. */
  get standing(): string {
    if (isTerminal(this.state.status)) return this.state.status;
    if (this.cancelling) return 'being cancelled';
    if (this.state.failing) return 'being ended as failed';
    if (this.state.status === 'SUSPENDED' && !this.isPaused) return 'being resumed';
    return this.state.finishing ? 'in its final test' : this.state.status;
  }

  answer(): ControlAnswer {
    return { status: this.state.status, controlState: this.record.controlState };
  }

  pause(request: unknown): void {
    const { reason, actor } = readRequest(request);
    const requestedAt = Date.now();
    this.state.paused = { reason, actor, requestedAt };
    // The pause before was taken back, but the task has not gone on since: from here on this one keeps it suspended.
    if (this.state.suspension) {
      this.state.suspension = { ...this.state.suspension, by: actor, reason, requestedAt };
      this.record.set({ suspension: this.state.suspension });
    }
    this.record.controlState = this.state.status === 'SUSPENDED' ? 'none' : 'pausing';
    this.note('pause', reason, actor);
    this.pauseInterrupts = patched(PATCHES.interruptingPause);
    if (this.pauseInterrupts && this.running?.pauses) this.interrupt();
  }

  fail(request: unknown): void {
    const { reason, actor } = readRequest(request);
    this.state.failing = { reason, actor };
    this.record.controlState = 'cancelling';
    this.note('fail', reason, actor);
    this.interrupt();
  }

  private interrupt(): void {
    if (!this.running) return;
    this.interrupted = true;
    this.running.scope.cancel();
  }

  resume(request: unknown): void {
    const { reason, actor } = readRequest(request);
    this.state.paused = null;
    this.record.controlState = this.state.status === 'SUSPENDED' ? 'resuming' : 'none';
    this.note('resume', reason, actor);
  }

  cancel(request: unknown): void {
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
    if (!this.cancelling) {
      this.record.decided('cancel', this.state.iteration, { reason: null, status: this.state.status }, 'operator');
      this.record.set({ controlReason: null });
    }
    this.cancelling = true;
    this.record.controlState = 'cancelling';
  }

  private note(kind: 'pause' | 'resume' | 'cancel' | 'fail', reason: string | null, actor: string): void {
    this.record.decided(kind, this.state.iteration, { reason, status: this.state.status }, actor);
    this.record.set({ controlReason: reason });
    void this.record.write();
  }

  editStopConditions({ actor, ...patch }: UpdateStopConditionsRequest): StopConditions {
    const before = this.state.stopConditions;
    const after = withPatch(before, patch);
    this.state.stopConditions = after;
    this.record.decided('edit-stop-conditions', this.state.iteration, { before, after }, readActor(actor));
    this.record.set({ stopConditions: after });
    void this.record.write();
    return after;
  }

  editHyperparameters({ hyperparameters, actor }: UpdateHyperparametersRequest): TaskSpec['hyperparameters'] {
    const before = { ...this.task.hyperparameters, ...this.state.hyperparameters };
    const after = { ...before, ...hyperparameters };
    this.state.hyperparameters = { ...this.state.hyperparameters, ...hyperparameters };
    this.record.decided('edit-hyperparameters', this.state.iteration, { before, after }, readActor(actor));
    this.record.set({ hyperparameters: after });
    void this.record.write();
    return after;
  }

  statusView(): TaskStatusView {
    const { status, iteration, seq, champion, stopConditions, suspension = null } = this.state;
    return {
      taskId: this.task.taskId,
      status,
      controlState: this.record.controlState,
      resumesTo: suspension?.resumesTo ?? null,
      suspension,
      iteration,
      seq,
      championIteration: champion?.iteration ?? null,
      stopConditions,
      stopReason: this.state.stopReason,
    };
  }

  progressView(): TaskProgressView {
    const { status, iteration, stopConditions, scoreHistory, firstScore = 0, champion } = this.state;
    return {
      iteration,
      maxIterations: stopConditions.maxIterations,
      phase: PHASE_OF_STATUS[status] ?? null,
      scoreHistory,
      firstScore,
      championIteration: champion?.iteration ?? null,
    };
  }
}

function failedByOperator({ reason, actor }: Pick<PauseRequest, 'reason' | 'actor'>): ApplicationFailure {
  const message = `ended as failed by ${actor ?? 'operator'}${reason ? `: ${reason}` : ''}`;
  return ApplicationFailure.nonRetryable(message, 'FAILED_BY_OPERATOR');
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
