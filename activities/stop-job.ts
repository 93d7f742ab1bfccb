/** Ends a remote job by its key, known to the service or not, and waits until it has ended. */
import { Context } from '@temporalio/activity';
import type { JobAddress } from '../src/contracts/job-key';
import type { JobState, ServiceName } from '../src/contracts/jobs';
import { JobOver, ServiceUnavailable, toFailure } from './failures';
import type { PythonJobClient } from './python-job-client';

export interface StopTiming {
  pollIntervalMs: number;
  /** The protocol kills a job's process group after 5 s; an attempt waits for some more. */
  waitMs: number;
}

export const DEFAULT_STOP_TIMING: StopTiming = { pollIntervalMs: 200, waitMs: 20_000 };

/** The state the job ended in; `lost` when the service has forgotten it since. May be repeated safely. */
export async function stopJob(
  clients: Record<ServiceName, PythonJobClient>,
  timing: StopTiming,
  { service, jobKey }: JobAddress,
): Promise<JobState | 'lost'> {
  const context = Context.current();
  const client = clients[service];
  const deadline = performance.now() + timing.waitMs;
  try {
    let { state } = await client.cancel(jobKey, context.cancellationSignal);
    while (state === 'queued' || state === 'running') {
      if (performance.now() > deadline) throw new ServiceUnavailable(service, 'the job has not ended yet');
      await context.sleep(timing.pollIntervalMs);
      ({ state } = await client.status(jobKey, context.cancellationSignal));
    }
    return state;
  } catch (error) {
    if (error instanceof JobOver && error.error.code === 'JOB_LOST') return 'lost';
    throw toFailure(error);
  }
}
