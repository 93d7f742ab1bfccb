/** The id under which a service keeps a job. The same function stands in `wlops_common`; `job-id.test.ts` pins both to one value. */
import { createHash } from 'node:crypto';

/** `job_` and the first 32 hex digits of sha256 of the key. */
export function jobId(jobKey: string): string {
  return `job_${createHash('sha256').update(jobKey, 'utf8').digest('hex').slice(0, 32)}`;
}
