/**
 * One phase as a series of jobs, its segments. A job that ended for a reason which another try can mend is followed by another one, and
 * so is one that a pause called off, once the task is resumed. On every way out but success the remote job has been stopped first.
 */
import {
  ActivityFailure,
  CancellationScope,
  isCancellation,
  log,
  patched,
  sleep,
  type ActivityOptions,
} from '@temporalio/workflow';
import { jobKey } from '../src/contracts/job-key';
import type { JobError, JobPhase, JobRestart, ServiceName } from '../src/contracts/jobs';
import { TASK_QUEUES, type PhaseState } from '../src/contracts/task-workflow';
import type { LiveStatus } from '../src/domain/task-status';
import { pauseJob, stopJob } from './activity-options';
import { jobErrorOf } from './failures';
import { PATCHES } from './patches';
import type { TaskRun } from './task-run';

/** What fails three times will fail a fourth. */
const MAX_FAULTS = 3;

/** A lost job starts anew at once. Anything else had its reason, which gets some time to pass. */
const WAIT_AFTER_FAULT_SECONDS = 5;

/** A job is gone 0.6 s after a cancel. A service that is down is told when it is back; the task ends before. */
const CANCEL_PATIENCE_MS = 800;

const FIRST_SEGMENT = { segment: 0, startedAt: null, faults: 0, attempts: 0, checkpoint: null };

/** A service stopped the job because no worker had asked about it for long: an outage of ours, not a fault of the job. */
const NO_FAULTS: ReadonlySet<string> = new Set(['JOB_PAUSED', 'JOB_ABANDONED']);

/** How a segment ended that has no result. */
export interface SegmentEnd {
  how: 'failed' | 'cancelled' | 'suspended';
  failure: JobError | null;
  /** Of a job that was paused; those of one that failed are told in its failure. */
  restarts?: JobRestart[] | undefined;
}

export interface SegmentedJob<Result> {
  service: ServiceName;
  phase: JobPhase;
  iteration: number;
  /** Under which the task goes on when it is resumed. */
  status: LiveStatus;
  /** Runs the job of one segment to its end. */
  run: (at: PhaseState, where: ActivityOptions) => Promise<Result>;
  /** Notes that a segment ended without a result. */
  ended?: (at: PhaseState, end: SegmentEnd) => void;
}

/** Runs the jobs of a phase until one has a result, and answers with it and where the phase stood. */
export async function inSegments<Result>(
  run: TaskRun,
  job: SegmentedJob<Result>,
): Promise<{ result: Result; at: PhaseState }> {
  const { control, state } = run;
  const at = phaseState(run, job.phase);
  for (;;) {
    try {
      // A job that is over takes no slot of those that work.
      const result = await control.interruptible(() =>
        job.run(at, at.isOver ? { taskQueue: TASK_QUEUES.control } : {}),
      );
      state.phase = null;
      return { result, at };
    } catch (error) {
      if (control.interrupted && isCancellation(error)) await afterInterruption(run, job, at);
      else await afterFault(run, job, at, error);
    }
  }
}

/** Where the phase stands; a run that continues a suspended one finds it in its state. */
function phaseState({ state }: TaskRun, phase: JobPhase): PhaseState {
  if (state.phase?.phase !== phase) state.phase = { ...FIRST_SEGMENT, phase };
  return state.phase;
}

/**
 * A pause called the job off: has it end, with a checkpoint where it can save one, and suspends the task. A job that came to its own end
 * first is left as it is: asked for again, the same segment answers with that end, and the pause takes hold after the phase.
 */
async function afterInterruption(run: TaskRun, job: SegmentedJob<unknown>, at: PhaseState): Promise<void> {
  const { control } = run;
  const address = { service: job.service, jobKey: keyOf(run, job, at) };
  try {
    await control.endPoint();
    const { state, attempts, checkpoint, restarts } = await control.unlessFailed(() =>
      pauseJob.executeWithOptions({ summary: `pause ${address.jobKey}` }, [address]),
    );
    at.isOver = state === 'succeeded' || state === 'failed';
    if (at.isOver) return;
    job.ended?.(at, { how: 'suspended', failure: null, restarts });
    nextSegment(at, attempts);
    // What began and saved nothing now may have saved something since the last pause: the trainer looks for the newest itself.
    if (checkpoint || attempts > 0 || state === 'lost') at.checkpoint = checkpoint;
  } catch (error) {
    await endPhase(run, job, at, control.failure ?? error);
  }
  await control.pausePointBetweenJobs(job.status);
}

/** Counts a fault that another segment may mend, or ends the phase: with the fault, or because the task was cancelled. */
async function afterFault(run: TaskRun, job: SegmentedJob<unknown>, at: PhaseState, error: unknown): Promise<void> {
  const { control } = run;
  const failure = jobErrorOf(error);
  const faults = at.faults + (failure && NO_FAULTS.has(failure.code) ? 0 : 1);
  if (!failure?.retryable || faults === MAX_FAULTS) await endPhase(run, job, at, error);
  job.ended?.(at, { how: 'failed', failure });
  const key = keyOf(run, job, at);
  nextSegment(at, await jobIsGone(run, job, at));
  at.faults = faults;
  // The trainer looks for the newest checkpoint itself: what was lost may have saved one since the last pause.
  at.checkpoint = null;
  log.warn('the job starts anew', { jobKey: key, code: failure?.code, segment: at.segment });
  const waitSeconds = WAIT_AFTER_FAULT_SECONDS * Math.max(1, faults);
  if (failure?.code !== 'JOB_LOST') await backOff(run, waitSeconds);
  await control.pausePointBetweenJobs(job.status);
}

function nextSegment(at: PhaseState, attempts: number): void {
  at.segment += 1;
  at.isOver = false;
  at.startedAt = null;
  at.attempts += attempts;
}

/** Stops the job and throws: what ended the phase, or what the task was asked meanwhile. */
async function endPhase(run: TaskRun, job: SegmentedJob<unknown>, at: PhaseState, error: unknown): Promise<never> {
  const how = isCancellation(error) ? 'cancelled' : 'failed';
  job.ended?.(at, { how, failure: how === 'failed' ? jobErrorOf(error) : null });
  await jobIsGone(run, job, at);
  throw error;
}

/**
 * Stops the job, waits until it is gone, and answers with how often it was begun. Who cancels the task or has it fail, before or
 * meanwhile, waits no longer than a moment for a service that is away; the job is then stopped when that is back.
 */
async function jobIsGone(run: TaskRun, job: SegmentedJob<unknown>, at: PhaseState): Promise<number> {
  const stopping = stopRemoteJob(job.service, keyOf(run, job, at));
  run.stopping = stopping;
  try {
    return await Promise.race([stopping, run.control.ended()]);
  } catch (error) {
    if (isCancellation(error)) showCancelling(run);
    await (patched(PATCHES.patientCancel) ? atMost(CANCEL_PATIENCE_MS, stopping) : stopping);
    throw error;
  }
}

/** Waits before the next segment, but not for a task that is paused, cancelled or to fail. */
async function backOff({ control }: TaskRun, seconds: number): Promise<void> {
  const wait = () => sleep(seconds * 1000);
  try {
    if (!patched(PATCHES.pauseEndsBackOff)) await control.unlessFailed(wait);
    else if (!control.isPaused) await control.interruptible(wait);
  } catch (error) {
    if (control.failure) throw control.failure;
    if (!control.interrupted || !isCancellation(error)) throw error;
  }
}

/** Waits for `work`, but not longer than this; a cancellation does not cut it short. */
function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  return CancellationScope.nonCancellable(async () => {
    const patience = new CancellationScope();
    const waited = patience.run(() => sleep(milliseconds)).catch(() => undefined);
    await Promise.race([work, waited]);
    patience.cancel();
  });
}

function keyOf({ task }: TaskRun, { iteration, phase }: SegmentedJob<unknown>, { segment }: PhaseState): string {
  return jobKey({ taskId: task.taskId, iteration, phase, segment });
}

/** Stopping a job takes as long as its service needs to answer; people see at once that the task is being cancelled. */
function showCancelling({ control, record }: TaskRun): void {
  control.cancelled();
  void record.write();
}

async function stopRemoteJob(service: ServiceName, key: string): Promise<number> {
  try {
    const { attempts } = await CancellationScope.nonCancellable(() =>
      stopJob.executeWithOptions({ summary: `stop ${key}` }, [{ service, jobKey: key }]),
    );
    // Unknown, also in histories that were recorded when the answer was the state alone: at least once.
    return attempts ?? 1;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    // The task must end all the same; the log names the job for whoever looks after the service.
    log.error('the remote job could not be stopped', { jobKey: key, service, cause: error.cause?.message });
    return 1;
  }
}
