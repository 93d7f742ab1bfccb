/** Tells a remote job to end and waits, heartbeating, until it has. */
import { Context } from '@temporalio/activity';
import type { JobStatus } from '../src/contracts/jobs';
import { ServiceUnavailable } from './failures';
import type { PythonJobClient } from './python-job-client';
import { whileBeating } from './while-beating';

export interface EndTiming {
  /** How long the service may hold an answer back, and the least time between two looks at one that does not. */
  waitMs: number;
  pauseMs: number;
  heartbeatIntervalMs: number;
  /** Absent: as long as it takes. */
  limitMs?: number;
}

export const DEFAULT_END_TIMING: EndTiming = { waitMs: 5_000, pauseMs: 100, heartbeatIntervalMs: 1_000 };

/** The job's last status. Throws what the client throws, the cancellation of the activity, or `ServiceUnavailable` at the limit. */
export async function endJob(
  client: PythonJobClient,
  timing: EndTiming,
  order: 'cancel' | 'pause',
  jobKey: string,
): Promise<JobStatus> {
  const context = Context.current();
  const signal = context.cancellationSignal;
  const waitSeconds = timing.waitMs / 1000;
  const deadline = performance.now() + (timing.limitMs ?? Infinity);
  return whileBeating(async () => {
    let status = await client[order](jobKey, signal, waitSeconds);
    while (status.state === 'queued' || status.state === 'running') {
      if (performance.now() > deadline) throw new ServiceUnavailable(client.service, 'the job has not ended yet');
      await context.sleep(timing.pauseMs);
      status = await client.status(jobKey, signal, waitSeconds);
    }
    return status;
  }, timing.heartbeatIntervalMs);
}
