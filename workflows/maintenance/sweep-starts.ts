/** Starts what was asked to start and has no workflow that is known to run. Run by the schedule `wlops-sweep-starts`. */
import type { SweepReport } from '../../src/contracts/maintenance';
import { sweepStartsInDoubt } from './activity-options';

/** One sweep. */
export async function sweepStarts(): Promise<SweepReport> {
  return sweepStartsInDoubt();
}
