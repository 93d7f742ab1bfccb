/** Brings rows, workflows and jobs together again where they contradict each other. Run by the schedule `wlops-reconcile`. */
import type { ReconcileReport } from '../../src/contracts/maintenance';
import { reconcileRows, reviewWorkflows, stopOrphanJobs } from './activity-options';

/** One pass. What fails keeps nothing else from being done, and fails the run in the end, for people to see. */
export async function reconcileTasks(): Promise<ReconcileReport> {
  const [rows, jobs, workflows] = await Promise.allSettled([reconcileRows(), stopOrphanJobs(), reviewWorkflows()]);
  return { rows: settled(rows), jobs: settled(jobs), workflows: settled(workflows) };
}

function settled<Value>(result: PromiseSettledResult<Value>): Value {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}
