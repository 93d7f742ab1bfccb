/**
 * Real workflows on the real server with typed fake activities: what services and database would do is scripted per task, and what
 * the workflow asked for is kept. Cancellation requests are real.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import type { Activities } from '../../activities';
import type { PausedJob } from '../../activities/pause-job';
import { requestCancellation } from '../../activities/request-cancellation';
import { whileBeating } from '../../activities/while-beating';
import type { JobAddress } from '../contracts/job-key';
import type {
  Comparison,
  EvaluateRequest,
  JobError,
  OptimizeRequest,
  OptimizeResult,
  TrainRequest,
} from '../contracts/jobs';
import type { TaskChange } from '../contracts/task-record';
import {
  TASK_QUEUES,
  taskWorkflowId,
  WORKFLOW_TYPES,
  type LoopState,
  type TaskOutcome,
  type TaskSpec,
} from '../contracts/task-workflow';
import type { TaskStatus } from '../domain/task-status';
import { pauseTask } from '../temporal/control-task';
import { startTask } from '../temporal/start-task';
import { createWorkers, runWorkers, type WorkerVersion } from '../temporal/workers';
import { suspendedState } from './suspended-state';
import { evaluateResult, objectRef, optimizeResult, trainResult } from './job-results';
import { openTestTemporal, type TestTemporal } from './temporal';
import { until } from './until';

type JobRequest = OptimizeRequest | TrainRequest | EvaluateRequest;
export type ScriptedPhase = 'optimization' | 'training' | 'evaluation' | 'final';

/** Runs before a job's result is given; may wait, or throw. */
export type Script = (request: JobRequest) => Promise<void>;

/** A job that waits until it is let go. */
export class Held {
  readonly requests: JobRequest[] = [];
  private release: () => void = () => undefined;
  private readonly released = new Promise<void>((resolve) => (this.release = resolve));

  readonly script: Script = async (request) => {
    this.requests.push(request);
    const context = Context.current();
    context.heartbeat();
    await Promise.race([this.released, context.cancelled]);
  };

  get reached(): Promise<JobRequest> {
    return until('the job to be started', () => this.requests[0]);
  }

  letGo(): void {
    this.release();
  }
}

/** Waits for what a test holds up, but not when the worker ends: a test that failed never lets go. */
function letGo(held: Promise<void>): Promise<void> {
  return Promise.race([held, Context.current().cancelled]);
}

export class TaskHarness {
  readonly changes: TaskChange[] = [];
  readonly stopped: JobAddress[] = [];
  readonly paused: JobAddress[] = [];
  readonly requests: JobRequest[] = [];
  readonly reports: string[] = [];
  /** Score of an iteration's evaluation by task; what is not here scores 0.5 + 0.1 × iteration. */
  readonly scores = new Map<string, number[]>();
  /** How an iteration's evaluation compares with the champion by task; what is not here is not compared. */
  readonly comparisons = new Map<string, (Comparison | null)[]>();
  /** How often the service began the job of the final test, by task; what is not here is not told. */
  readonly finalAttempts = new Map<string, number>();
  /** How often a job that is stopped had been begun, by task; what is not here the service has forgotten. */
  readonly stoppedAttempts = new Map<string, number>();
  /** What an optimization answers other than usual, by `<task>/<iteration>`. */
  readonly optimizations = new Map<string, Partial<OptimizeResult>>();
  /** Run before a change is written, before Temporal is asked to cancel, and before a job is stopped; tests hold things up here. */
  beforeRecord: (change: TaskChange) => Promise<void> = () => Promise.resolve();
  beforeCancellation: () => Promise<void> = () => Promise.resolve();
  beforeStop: (address: JobAddress) => Promise<void> = () => Promise.resolve();
  /** How a job that is told to pause ends; the default is as the services do. */
  onPause: (address: JobAddress) => Promise<PausedJob> = (address) => Promise.resolve(pausedJob(address));
  /** The same for one task. */
  readonly pausedAs = new Map<string, (address: JobAddress) => Promise<PausedJob>>();
  /** How long stopping a job of one task takes. */
  readonly stoppedAs = new Map<string, () => Promise<void>>();
  private readonly scripts = new Map<string, Script>();
  private endOfWorkers: () => Promise<void> = () => Promise.resolve();

  private constructor(readonly temporal: TestTemporal) {}

  static async open(): Promise<TaskHarness> {
    const harness = new TaskHarness(await openTestTemporal());
    await harness.startWorkers();
    return harness;
  }

  async startWorkers(): Promise<void> {
    this.endOfWorkers = await this.runVersion(null);
  }

  /** Starts workers beside those that run, of a version or of none; what it answers ends them. */
  async runVersion(version: WorkerVersion | null, codePath = testBundle()): Promise<() => Promise<void>> {
    const workers = await createWorkers({
      connection: this.temporal.nativeConnection,
      namespace: this.temporal.namespace,
      workflows: { workflowBundle: { codePath } },
      activities: this.activities(),
      slots: { optimize: 100, train: 100, evaluate: 100 },
      version,
    });
    let stop: () => void = () => undefined;
    const running = runWorkers(workers, new Promise<void>((resolve) => (stop = resolve)));
    return () => {
      stop();
      return running;
    };
  }

  endWorkers(): Promise<void> {
    return this.endOfWorkers();
  }

  async close(): Promise<void> {
    await this.endWorkers();
    await this.temporal.close();
  }

  /** Sets what a phase of a task does before it succeeds; of one iteration only when that is given. */
  script(taskId: string, phase: ScriptedPhase, script: Script, iteration?: number): void {
    this.scripts.set(iteration === undefined ? `${taskId}/${phase}` : `${taskId}/${phase}/${iteration}`, script);
  }

  hold(taskId: string, phase: ScriptedPhase, iteration?: number): Held {
    const held = new Held();
    this.script(taskId, phase, held.script, iteration);
    return held;
  }

  /** Starts a task and has it suspended when its first evaluation has ended. */
  async suspendAfterEvaluation(task: TaskSpec): Promise<void> {
    const evaluation = this.hold(task.taskId, 'evaluation', 0);
    await this.start(task);
    await evaluation.reached;
    await pauseTask(this.temporal.client, task.taskId);
    evaluation.letGo();
    await this.reaches(task.taskId, 'SUSPENDED');
  }

  start(task: TaskSpec): Promise<string> {
    return startTask(this.temporal.client, task);
  }

  /** Starts a task's workflow as the next run of one that was suspended after its evaluation, or in its final test. */
  async startSuspended(
    task: TaskSpec,
    { finishing, ...changes }: { finishing: boolean } & Partial<LoopState>,
  ): Promise<void> {
    await this.temporal.client.workflow.start(WORKFLOW_TYPES[task.mode], {
      workflowId: taskWorkflowId(task.taskId),
      taskQueue: TASK_QUEUES.main,
      args: [{ task, state: { ...suspendedState(task, finishing), ...changes } }],
    });
  }

  handle(taskId: string) {
    return this.temporal.client.workflow.getHandle(taskWorkflowId(taskId));
  }

  /** How the task's workflow ended: its outcome, or the failure's type and whether it was cancelled. */
  async outcome(taskId: string): Promise<TaskOutcome | { cancelled: boolean; type: string | null }> {
    try {
      return (await this.handle(taskId).result()) as TaskOutcome;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const type = error.cause instanceof ApplicationFailure ? (error.cause.type ?? null) : null;
      return { cancelled: error.cause?.name === 'CancelledFailure', type };
    }
  }

  /** The statuses written for a task, each once in a row, in order of their numbers. */
  statuses(taskId: string): TaskStatus[] {
    const all = this.changesOf(taskId).map((change) => change.status);
    return all.filter((status, index) => status !== all[index - 1]);
  }

  changesOf(taskId: string): TaskChange[] {
    return this.changes.filter((change) => change.taskId === taskId).sort((a, b) => a.seq - b.seq);
  }

  /** Of the jobs that were started for a phase, without the task's id, in order. */
  jobKeys(taskId: string, phase: ScriptedPhase): string[] {
    const keys = this.requests.map(({ jobKey }) => jobKey);
    return keys
      .filter((key) => key.startsWith(`${taskId}/`) && key.includes(`/${phase}/`))
      .map((key) => key.slice(taskId.length + 1));
  }

  decisions(taskId: string): string[] {
    return this.changesOf(taskId).flatMap((change) => change.decisions.map((decision) => decision.kind));
  }

  /** Waits until the task has had a status, which may have passed since. */
  async hasBeen(taskId: string, status: TaskStatus): Promise<void> {
    await until(`task ${taskId} to have been ${status}`, () => this.statuses(taskId).includes(status));
  }

  /** Waits until the last written change has this status. */
  async reaches(taskId: string, status: TaskStatus): Promise<TaskChange> {
    return until(`task ${taskId} to be ${status}`, () => {
      const last = this.changesOf(taskId).at(-1);
      return last?.status === status ? last : null;
    });
  }

  /** In a script: waits for what a test holds up, or until the job is called off. */
  orEnd(held: Promise<void>): Promise<void> {
    return letGo(held);
  }

  private async perform(phase: ScriptedPhase, request: JobRequest): Promise<void> {
    this.requests.push(request);
    const { taskId, iteration } = request;
    const script = this.scripts.get(`${taskId}/${phase}/${iteration}`) ?? this.scripts.get(`${taskId}/${phase}`);
    await script?.(request);
  }

  private activities(): Activities {
    return {
      optimizeDataset: async (request) => {
        await this.perform('optimization', request);
        return optimizeResult(request, this.optimizations.get(`${request.taskId}/${request.iteration}`));
      },
      trainModel: async (request) => {
        await this.perform('training', request);
        return trainResult(request);
      },
      evaluateModel: async (request) => {
        await this.perform(request.purpose === 'final' ? 'final' : 'evaluation', request);
        const scores = this.scores.get(request.taskId) ?? [];
        const comparison = this.comparisons.get(request.taskId)?.[request.iteration] ?? null;
        const attempts = request.purpose === 'final' ? this.finalAttempts.get(request.taskId) : undefined;
        return evaluateResult(request, scores[request.iteration] ?? 0.5 + 0.1 * request.iteration, {
          comparison,
          attempts,
        });
      },
      pauseJob: (address) => {
        this.paused.push(address);
        const ending = this.pausedAs.get(address.jobKey.split('/')[0] ?? '') ?? this.onPause;
        return whileBeating(() => ending(address));
      },
      stopJob: (address) =>
        whileBeating(async () => {
          const taskId = address.jobKey.split('/')[0] ?? '';
          await this.beforeStop(address);
          await this.stoppedAs.get(taskId)?.();
          this.stopped.push(address);
          const attempts = this.stoppedAttempts.get(taskId);
          return attempts === undefined
            ? ({ state: 'lost', attempts: null } as const)
            : ({ state: 'cancelled', attempts } as const);
        }),
      recordTask: (change) =>
        whileBeating(async () => {
          await this.beforeRecord(change);
          this.changes.push(change);
        }),
      writeReport: async ({ taskId }) => {
        this.reports.push(taskId);
      },
      requestCancellation: (run) =>
        whileBeating(async () => {
          await this.beforeCancellation();
          await requestCancellation(this.temporal.client.workflow, run);
        }),
    };
  }
}

/** The workflows of today, bundled once for all tests. */
function testBundle(): string {
  const codePath = process.env.WLOPS_TEST_WORKFLOW_BUNDLE;
  if (codePath) return codePath;
  throw new Error('WLOPS_TEST_WORKFLOW_BUNDLE is not set; jest sets it in src/testing/global-setup.cjs');
}

/** A training leaves a checkpoint; other jobs are stopped. */
export function pausedJob({ service, jobKey }: JobAddress): PausedJob {
  if (service !== 'trainer') return { state: 'cancelled', attempts: 1, checkpoint: null };
  return { state: 'paused', attempts: 1, checkpoint: objectRef(`models/${jobKey}/checkpoint-5/manifest.json`) };
}

/** What an activity throws when its job failed. */
export function jobFailure(code: string, retryable = false): ApplicationFailure {
  const error: JobError = { code, message: `the job failed: ${code}`, details: { line: 3 }, retryable };
  return ApplicationFailure.create({ type: code, message: error.message, nonRetryable: true, details: [error] });
}
