/** Removes what nobody can reach any more from the bucket. Run by the schedule `wlops-retention`, and by administrators. */
import type { RetentionReport, RetentionRequest } from '../../src/contracts/maintenance';
import { collectUnreachable } from './activity-options';

/** One pass; a dry run removes nothing. */
export async function collectGarbage(request: RetentionRequest): Promise<RetentionReport> {
  return collectUnreachable(request);
}
