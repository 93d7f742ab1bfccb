// @ts-check
// Which tasks of a chaos run failed for another reason than its faults and wishes. The load is sound, so every failure needs one: its user
// failed the task, or something was done to the job that failed, which has excused no repeat of that job already.
import { failuresForNothing } from '../invariants/repeats.mjs';

/** @typedef {import('../invariants/facts.mjs').Facts} Facts */

/** What faults may do to a task at most, beside failures that another try would have mended. */
const EXPECTED = new Set(['JOB_CRASHED', 'JOB_LOST', 'STORAGE_UNAVAILABLE']);
const BY_OPERATOR = 'FAILED_BY_OPERATOR';

/** @param {Facts} facts @returns {string[]} a line for each such task */
export function failedForNoReason(facts) {
  const forNothing = new Set(failuresForNothing(facts));
  return facts.tasks.flatMap(({ taskId, status, failureCode, failureMessage, failureIsRetryable }) => {
    if (status !== 'FAILED') return [];
    const said = `${taskId} failed: ${failureCode}, ${failureMessage}`;
    if (failureCode === BY_OPERATOR) {
      const isAsked = facts.decisions.some((decision) => decision.taskId === taskId && decision.kind === 'fail');
      return isAsked ? [] : [`${said}; nobody asked for it`];
    }
    if (!failureIsRetryable && !EXPECTED.has(failureCode ?? '')) return [said];
    const failed = facts.jobs.filter((job) => job.taskId === taskId && job.state === 'failed');
    const last = failed.toSorted((a, b) => a.createdAt - b.createdAt).at(-1);
    if (!last) return [`${said}; no job of it failed`];
    return forNothing.has(last) ? [`${said}; no fault was made that can have failed ${last.jobId}`] : [];
  });
}
