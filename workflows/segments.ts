/**
 * One phase as a series of jobs, its segments. A job that ended for a reason which another try can mend is followed by another one, and
 * so is one that a pause called off, once the task is resumed. On every way out but success the remote job has been stopped first.
 */
import { ActivityFailure, CancellationScope, isCancellation, log, patched, sleep } from '@temporalio/workflow';
import { jobKey } from '../src/contracts/job-key';
import type { JobError, JobPhase, ServiceName } from '../src/contracts/jobs';
import type { PhaseState } from '../src/contracts/task-workflow';
import type { LiveStatus } from '../src/domain/task-status';
import { pauseJob, stopJob } from './activity-options';
import { jobErrorOf } from './failures';
import type { TaskRun } from './task-run';

/** What fails three times will fail a fourth. */
const MAX_FAULTS = 3;

/** A lost job starts anew at once. Anything else had its reason, which gets some time to pass. */
const WAIT_AFTER_FAULT_SECONDS = 5;

/** A cancelled task waits this long for its job to be gone. A service that is down is told when it is back; the task ends before. */
const CANCEL_PATIENCE_MS = 2000;
const PATIENT_CANCEL = 'patient-cancel';

const FIRST_SEGMENT = { segment: 0, startedAt: null, faults: 0, attempts: 0, checkpoint: null };

/** How a segment ended that has no result. */
export interface SegmentEnd {
  how: 'failed' | 'cancelled' | 'suspended';
  failure: JobError | null;
}

export interface SegmentedJob<Result> {
  service: ServiceName;
  phase: JobPhase;
  iteration: number;
  /** Under which the task goes on when it is resumed. */
  status: LiveStatus;
  /** Runs the job of one segment to its end. */
  run: (at: PhaseState) => Promise<Result>;
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
      const result = await control.interruptible(() => job.run(at));
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
 * first is left as it is: run again, the same segment answers with that end, and the pause takes hold after the phase.
 */
async function afterInterruption(run: TaskRun, job: SegmentedJob<unknown>, at: PhaseState): Promise<void> {
  const { control } = run;
  const address = { service: job.service, jobKey: keyOf(run, job, at) };
  try {
    await control.endPoint();
    const { state, attempts, checkpoint } = await control.unlessFailed(() =>
      pauseJob.executeWithOptions({ summary: `pause ${address.jobKey}` }, [address]),
    );
    if (state === 'succeeded' || state === 'failed') return;
    job.ended?.(at, { how: 'suspended', failure: null });
    nextSegment(at, attempts);
    at.checkpoint = checkpoint ?? at.checkpoint;
  } catch (error) {
    await stopForGood(run, job, at, control.failure ?? error);
  }
  await control.pausePointBetweenJobs(job.status);
}

/** Counts a fault that another segment may mend, or ends the phase: with the fault, or because the task was cancelled. */
async function afterFault(run: TaskRun, job: SegmentedJob<unknown>, at: PhaseState, error: unknown): Promise<void> {
  const failure = jobErrorOf(error);
  if (!failure?.retryable || at.faults + 1 === MAX_FAULTS) await stopForGood(run, job, at, error);
  job.ended?.(at, { how: 'failed', failure });
  const key = keyOf(run, job, at);
  await stopRemoteJob(job.service, key);
  nextSegment(at, 1);
  at.faults += 1;
  // The trainer looks for the newest checkpoint itself: what was lost may have saved one since the last pause.
  at.checkpoint = null;
  log.warn('the job starts anew', { jobKey: key, code: failure?.code, segment: at.segment });
  if (failure?.code !== 'JOB_LOST') await sleep(WAIT_AFTER_FAULT_SECONDS * 1000 * at.faults);
  await run.control.pausePointBetweenJobs(job.status);
}

function nextSegment(at: PhaseState, attempts: number): void {
  at.segment += 1;
  at.startedAt = null;
  at.attempts += attempts;
}

/** Stops the job and throws. Who ended the task does not wait for a service that is away; the job is stopped when that is back. */
async function stopForGood(run: TaskRun, job: SegmentedJob<unknown>, at: PhaseState, error: unknown): Promise<never> {
  const cancelled = isCancellation(error);
  job.ended?.(at, cancelled ? { how: 'cancelled', failure: null } : { how: 'failed', failure: jobErrorOf(error) });
  if (cancelled) showCancelling(run);
  run.stopping = stopRemoteJob(job.service, keyOf(run, job, at));
  const ended = cancelled || error === run.control.failure;
  await (ended && patched(PATIENT_CANCEL) ? atMost(CANCEL_PATIENCE_MS, run.stopping) : run.stopping);
  throw error;
}

/** Waits for `work`, but not longer than this; a cancellation does not cut it short. */
function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
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

async function stopRemoteJob(service: ServiceName, key: string): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() =>
      stopJob.executeWithOptions({ summary: `stop ${key}` }, [{ service, jobKey: key }]),
    );
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    // The task must end all the same; the log names the job for whoever looks after the service.
    log.error('the remote job could not be stopped', { jobKey: key, service, cause: error.cause?.message });
  }
}
