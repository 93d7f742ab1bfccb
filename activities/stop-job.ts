/** Ends a remote job by its key, known to the service or not, and waits until it has ended. */
import type { JobAddress } from '../src/contracts/job-key';
import type { JobState, ServiceName } from '../src/contracts/jobs';
import { endJob, type EndTiming } from './end-job';
import { isLost, toFailure } from './failures';
import type { PythonJobClient } from './python-job-client';

/** The state the job ended in; `lost` when the service has forgotten it since. May be repeated safely. */
export async function stopJob(
  clients: Record<ServiceName, PythonJobClient>,
  timing: EndTiming,
  { service, jobKey }: JobAddress,
): Promise<JobState | 'lost'> {
  try {
    return (await endJob(clients[service], timing, 'cancel', jobKey)).state;
  } catch (error) {
    if (isLost(error)) return 'lost';
    throw toFailure(error);
  }
}
