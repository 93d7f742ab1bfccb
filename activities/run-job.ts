/**
 * Runs one job of a Python service to its end: submit by key, poll, heartbeat. A retried attempt, here or on another worker, finds the
 * same job by its key. Whatever ends the attempt, worker shutdown included, only stops the polling: stopping a remote job is the
 * workflow's business (`stop-job.ts`).
 */
import { Context } from '@temporalio/activity';
import type { z } from 'zod';
import { parseResult, UnreadableReply } from '../src/contracts/job-schemas';
import type { JobError, JobProgress, JobRequestBase, JobStatus, Restarted } from '../src/contracts/jobs';
import { JobOver, jobOver, ServiceUnavailable, toFailure } from './failures';
import { foreignKeys } from './job-keys';
import { ProgressWriter } from './progress-writer';
import type { PythonJobClient } from './python-job-client';

export interface JobTiming {
  /**
   * The first polls ask the service to answer after this time, or as soon as the job is over; later ones after a twentieth of the job's
   * age, which shows progress without asking more often than it is worth. A service that answers at once is asked again after this time.
   */
  pollIntervalMs: number;
  maxPollIntervalMs: number;
  heartbeatIntervalMs: number;
  /** A running job whose `updatedAt` stands still for this long is stuck. The protocol promises 5 s. */
  stallAfterMs: number;
  progressIntervalMs: number;
}

export const DEFAULT_TIMING: JobTiming = {
  pollIntervalMs: 500,
  maxPollIntervalMs: 10_000,
  heartbeatIntervalMs: 1_000,
  stallAfterMs: 120_000,
  progressIntervalMs: 1_000,
};

export interface JobRunner {
  client: PythonJobClient;
  timing: JobTiming;
  /** Shows people what the job is doing; may fail without harm. */
  writeProgress: (taskId: string, progress: JobProgress) => Promise<void>;
}

/** Runs the job and answers with its parsed result and its restarts, if any. Throws `ApplicationFailure`, or the activity's cancellation. */
export async function runJob<Result>(
  { client, timing, writeProgress }: JobRunner,
  request: JobRequestBase,
  resultSchema: z.ZodType<Result>,
): Promise<Result & Restarted> {
  const context = Context.current();
  const progress = new ProgressWriter((value) => writeProgress(request.taskId, value), timing.progressIntervalMs);
  context.heartbeat();
  const beat = setInterval(() => context.heartbeat(), timing.heartbeatIntervalMs);
  try {
    const finished = await pollToEnd(client, timing, request, progress);
    return resultOf(client, request, finished, resultSchema);
  } catch (error) {
    if (error instanceof ServiceUnavailable) progress.now(stage(error.message));
    throw toFailure(error);
  } finally {
    clearInterval(beat);
    await progress.settled();
  }
}

async function pollToEnd(
  client: PythonJobClient,
  timing: JobTiming,
  request: JobRequestBase,
  progress: ProgressWriter,
): Promise<JobStatus> {
  const context = Context.current();
  const signal = context.cancellationSignal;
  const startedAt = performance.now();
  let movedAt = startedAt;
  let status = await client.submit(request, signal);
  while (isLive(status)) {
    progress.show(status.progress ?? stage(status.state === 'queued' ? `queued at the ${client.service}` : 'starting'));
    const asked = performance.now();
    const wait = Math.min(timing.maxPollIntervalMs, Math.max(timing.pollIntervalMs, (asked - startedAt) / 20));
    const next = await client.status(request.jobKey, signal, wait / 1000);
    // A queued job stands still while others run; only a running one can be stuck.
    if (next.updatedAt !== status.updatedAt || next.state !== 'running') movedAt = performance.now();
    if (performance.now() - movedAt > timing.stallAfterMs) {
      const waited = Math.round(timing.stallAfterMs / 1000);
      throw jobOver(
        'JOB_STALLED',
        `the ${client.service} shows no sign of the job for ${waited} s`,
        true,
        next.restarts,
      );
    }
    status = next;
    const early = wait - (performance.now() - asked);
    if (isLive(status) && early > EARLY_MS) await context.sleep(early);
  }
  return status;
}

/** A service of an earlier version does not wait. */
const EARLY_MS = 5;

function isLive({ state }: JobStatus): boolean {
  return state === 'queued' || state === 'running';
}

function resultOf<Result>(
  client: PythonJobClient,
  request: JobRequestBase,
  { state, error, result, restarts = [] }: JobStatus,
  schema: z.ZodType<Result>,
): Result & Restarted {
  switch (state) {
    case 'failed':
      throw new JobOver(error ?? NO_REASON, restarts);
    case 'cancelled':
      throw jobOver('JOB_CANCELLED', `the job was cancelled at the ${client.service}, not by its task`);
    case 'paused':
      throw jobOver('JOB_PAUSED', `the job was paused at the ${client.service}, not by its task`, true, restarts);
    case 'queued':
    case 'running':
    case 'succeeded':
      return { ...checkedResult(client, request, result, schema), ...(restarts.length > 0 ? { restarts } : {}) };
  }
}

const NO_REASON: JobError = {
  code: 'INTERNAL',
  message: 'the job failed without a reason',
  details: null,
  retryable: false,
};

function checkedResult<Result>(
  client: PythonJobClient,
  request: JobRequestBase,
  result: unknown,
  schema: z.ZodType<Result>,
): Result {
  try {
    const parsed = parseResult(schema, result);
    const foreign = foreignKeys(request, parsed);
    if (foreign.length > 0) throw new UnreadableReply(`${foreign[0]} is not a key of this task`);
    return parsed;
  } catch (error) {
    if (!(error instanceof UnreadableReply)) throw error;
    throw jobOver('INVALID_JOB_RESULT', `the ${client.service} gave a result that cannot be used: ${error.message}`);
  }
}

/** A progress that tells nothing but this. */
export function stage(text: string): JobProgress {
  return { stage: text, step: 0, totalSteps: null, loss: null, score: null, rate: null, etaSeconds: null };
}
