/**
 * Has a remote job end so that its phase can go on later: a training saves a checkpoint, any other job is stopped and done again. A key
 * that has not arrived yet is refused when it does.
 */
import { log } from '@temporalio/activity';
import type { JobAddress } from '../src/contracts/job-key';
import { parseCheckpoint, UnreadableReply } from '../src/contracts/job-schemas';
import type { JobRestart, JobState, JobStatus, ObjectRef, ServiceName } from '../src/contracts/jobs';
import { endJob, type EndTiming } from './end-job';
import { isLost, toFailure } from './failures';
import type { PythonJobClient } from './python-job-client';

export interface PausedJob {
  /** How the job ended: by the pause, or by itself just before. `lost`: the service does not know it. */
  state: JobState | 'lost';
  /** How often it was begun. */
  attempts: number;
  /** What the next segment continues from. */
  checkpoint: ObjectRef | null;
  /** As in its status. */
  restarts?: JobRestart[];
}

/** Waits until the job has ended; a service that is down is asked until it answers. May be repeated safely. */
export async function pauseJob(
  clients: Record<ServiceName, PythonJobClient>,
  timing: EndTiming,
  { service, jobKey }: JobAddress,
): Promise<PausedJob> {
  const client = clients[service];
  try {
    const { state, attempt, result, restarts = [] } = await orderEnd(client, timing, jobKey);
    const checkpoint = state === 'paused' ? checkpointOf(result, jobKey) : null;
    return { state, attempts: attempt, checkpoint, ...(restarts.length > 0 ? { restarts } : {}) };
  } catch (error) {
    throw toFailure(error);
  }
}

/** Without one the trainer looks for the newest itself: an answer that cannot be read is no reason to end a task. */
function checkpointOf(result: unknown, jobKey: string): ObjectRef | null {
  try {
    return parseCheckpoint(result);
  } catch (error) {
    if (!(error instanceof UnreadableReply)) throw error;
    log.warn('a paused job named a checkpoint that cannot be one', { jobKey, reason: error.message });
    return null;
  }
}

async function orderEnd(client: PythonJobClient, timing: EndTiming, jobKey: string): Promise<Ended> {
  try {
    return await endJob(client, timing, client.service === 'trainer' ? 'pause' : 'cancel', jobKey);
  } catch (error) {
    if (!isLost(error)) throw error;
    // It may still be on its way: a key that was cancelled never runs, and one that has just arrived ends.
    const { attempt } = await endJob(client, timing, 'cancel', jobKey);
    return { state: 'lost', attempt, result: null, restarts: [] };
  }
}

type Ended = Pick<JobStatus, 'attempt' | 'result' | 'restarts'> & { state: JobState | 'lost' };
