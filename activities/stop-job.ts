/** Ends a remote job by its key, known to the service or not, and waits until it has ended. */
import type { JobAddress } from '../src/contracts/job-key';
import type { JobState, ServiceName } from '../src/contracts/jobs';
import { endJob, type EndTiming } from './end-job';
import { isLost, toFailure } from './failures';
import type { PythonJobClient } from './python-job-client';

export interface StoppedJob {
  /** How the job ended; `lost` when the service has forgotten it since. */
  state: JobState | 'lost';
  /** How often it was begun; null when nobody knows. */
  attempts: number | null;
}

/** Waits until the job has ended; a service that is down is asked until it answers. May be repeated safely. */
export async function stopJob(
  clients: Record<ServiceName, PythonJobClient>,
  timing: EndTiming,
  { service, jobKey }: JobAddress,
): Promise<StoppedJob> {
  try {
    const { state, attempt } = await endJob(clients[service], timing, 'cancel', jobKey);
    return { state, attempts: attempt };
  } catch (error) {
    if (isLost(error)) return { state: 'lost', attempts: null };
    throw toFailure(error);
  }
}
