/**
 * One phase of an iteration: wait if paused, enter the status, run the job, note how it went. A job that ended for a reason which
 * another try can mend starts anew as the next segment. Whoever leaves here early, cancelled or failed, has stopped the remote job.
 */
import { ActivityFailure, CancellationScope, isCancellation, log, sleep } from '@temporalio/workflow';
import { jobKey } from '../src/contracts/job-key';
import type { EvaluateResult, JobPhase, OptimizeResult, ServiceName, TrainResult } from '../src/contracts/jobs';
import type { ExecutionPhase, ExecutionRecord } from '../src/contracts/task-record';
import { stopJob } from './activity-options';
import { jobErrorOf } from './failures';
import { SERVICE_OF_PHASE, STATUS_OF_PHASE } from './phase-names';
import type { TaskRun } from './task-run';

/** A phase is started at most this often; what fails three times will fail a fourth. */
const MAX_SEGMENTS = 3;

/** A lost job starts anew at once. Anything else had its reason, which gets some time to pass. */
const SEGMENT_WAIT_SECONDS = 5;

type PhaseResult = OptimizeResult | TrainResult | EvaluateResult;

interface PhaseWork<Result> {
  /** Runs the job of one segment to its end. */
  start: (segment: number) => Promise<Result>;
  /** What the finished execution's row shows. */
  outcome: (result: Result, segment: number) => Partial<ExecutionRecord>;
}

/** Runs a phase of the current iteration and answers with its result and the segment that made it. */
export async function runPhase<Result extends PhaseResult>(
  run: TaskRun,
  phase: ExecutionPhase,
  work: PhaseWork<Result>,
): Promise<{ result: Result; segment: number }> {
  const { record, control, state } = run;
  const status = STATUS_OF_PHASE[phase];
  await control.pausePoint(status);

  return inSegments(run, { service: SERVICE_OF_PHASE[phase], phase, iteration: state.iteration }, async (segment) => {
    const running = newExecution(state.iteration, phase, segment);
    const note = (changes: Partial<ExecutionRecord>) =>
      record.execution({ ...running, ...changes, completedAt: Date.now() });
    record.execution(running);
    try {
      // The job does not wait for the row: a database that is down idles no GPU.
      const result = await besides(record.enter(status), () => work.start(segment));
      note({ status: 'completed', details: result, ...work.outcome(result, segment) });
      return { result, segment };
    } catch (error) {
      note(isCancellation(error) ? { status: 'cancelled' } : { status: 'failed', failure: jobErrorOf(error) });
      throw error;
    }
  });
}

/** Runs a job, in as many segments as it needs and may have. On every way out but success the remote job is stopped first. */
export async function inSegments<Result>(
  run: TaskRun,
  job: { service: ServiceName; phase: JobPhase; iteration: number },
  attempt: (segment: number) => Promise<Result>,
): Promise<Result> {
  for (let segment = 0; ; segment += 1) {
    try {
      return await attempt(segment);
    } catch (error) {
      if (isCancellation(error)) showCancelling(run);
      const key = jobKey({ taskId: run.task.taskId, iteration: job.iteration, phase: job.phase, segment });
      await stopRemoteJob(job.service, key);
      const failure = jobErrorOf(error);
      if (!failure?.retryable || segment + 1 === MAX_SEGMENTS) throw error;
      log.warn('the job starts anew', { jobKey: key, code: failure.code, segment: segment + 1 });
      if (failure.code !== 'JOB_LOST') await sleep(SEGMENT_WAIT_SECONDS * 1000 * (segment + 1));
    }
  }
}

/** Runs a job while something is being written; when the write fails the job is called off. */
export async function besides<Result>(written: Promise<void>, start: () => Promise<Result>): Promise<Result> {
  const scope = new CancellationScope();
  try {
    const [result] = await Promise.all([scope.run(start), written]);
    return result;
  } catch (error) {
    scope.cancel();
    throw error;
  }
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

function newExecution(iteration: number, phase: ExecutionPhase, segment: number): ExecutionRecord {
  return {
    iteration,
    phase,
    segment,
    status: 'running',
    inputDatasetId: null,
    outputDatasetId: null,
    modelPath: null,
    evaluationPath: null,
    score: null,
    details: null,
    failure: null,
    startedAt: Date.now(),
    completedAt: null,
  };
}
