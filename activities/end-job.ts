/** Tells a remote job to end and waits, heartbeating, until it has. */
import { Context } from '@temporalio/activity';
import type { JobStatus } from '../src/contracts/jobs';
import type { PythonJobClient } from './python-job-client';

export interface EndTiming {
  /** How long the service may hold an answer back, and a pause before it is asked again. */
  waitMs: number;
  pauseMs: number;
  heartbeatIntervalMs: number;
}

export const DEFAULT_END_TIMING: EndTiming = { waitMs: 5_000, pauseMs: 50, heartbeatIntervalMs: 1_000 };

/** The job's last status. Throws what the client throws, or the cancellation of the activity. */
export async function endJob(
  client: PythonJobClient,
  timing: EndTiming,
  order: 'cancel' | 'pause',
  jobKey: string,
): Promise<JobStatus> {
  const context = Context.current();
  const signal = context.cancellationSignal;
  const waitSeconds = timing.waitMs / 1000;
  context.heartbeat();
  const beat = setInterval(() => context.heartbeat(), timing.heartbeatIntervalMs);
  try {
    let status = await client[order](jobKey, signal, waitSeconds);
    while (status.state === 'queued' || status.state === 'running') {
      await context.sleep(timing.pauseMs);
      status = await client.status(jobKey, signal, waitSeconds);
    }
    return status;
  } finally {
    clearInterval(beat);
  }
}
