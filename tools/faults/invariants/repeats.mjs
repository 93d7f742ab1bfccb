// @ts-check
// I10: no work is done again without a reason. A job is started again in its own row (another attempt) or as the next segment of its
// phase. Each repeat needs a reason of its own: a fault that can touch this job, or a wish of its people, between the start of what it
// repeats and its own start. Not covered: how much work was lost by it.
import { groupBy } from './group-by.mjs';

/**
 * @typedef {import('./facts.mjs').Check} Check
 * @typedef {import('./facts.mjs').JobFact} JobFact
 * @typedef {import('./facts.mjs').FaultFact} FaultFact
 * @typedef {{ from: number, until: number }} Span milliseconds
 */

/**
 * What a fault does begins before its moment and lasts after it: a process that was killed several times in a row is started again after
 * fifteen seconds at most, and ready some seconds later; what a job meets then it met because of the kill.
 */
const GRACE_MS = { before: 20_000, after: 2000 };
/** What ends, or lets go on, the job that runs. */
const WISHES = new Set(['pause', 'resume', 'cancel', 'fail']);
/** Every job needs them: to be asked about, to keep its state, and for its data. */
const NEEDED_BY_ALL = new Set(['worker', 'temporal', 'postgres', 's3']);
const SERVICES = new Set(['optimizer', 'trainer', 'evaluator']);
/** The entry that ends all faults that last. */
const HEALED = 'healed';

/** Whether a fault can make this job start again. `target`: `trainer`, `trainer nofile`, `job of trainer`, `worker→s3 latency`. @param {FaultFact} fault @param {JobFact} job */
export function canTouch({ target, job: hit }, { service, jobId }) {
  if (target.startsWith('job of ')) return target === `job of ${service}` && (hit === undefined || hit === jobId);
  const [place = ''] = target.split(' ');
  const [from = '', to] = place.split('→');
  const isAnothers = [from, to].some((name) => name !== undefined && SERVICES.has(name) && name !== service);
  return !isAnothers && (from === service || NEEDED_BY_ALL.has(from));
}

/** A kill is a moment; a hurt connection and a limit last until all is healed. @param {FaultFact} fault @param {FaultFact[]} faults @returns {Span} */
function spanOf({ at, target }, faults) {
  const lasts = target.includes('→') || /^\w+ \w+$/.test(target);
  const healed = faults.find((one) => one.target === HEALED && one.at >= at);
  return { from: at, until: lasts ? (healed?.at ?? Infinity) : at };
}

/** @param {Span} span @param {Span} window */
const overlaps = (span, window) =>
  span.until >= window.from - GRACE_MS.before && span.from <= window.until + GRACE_MS.after;

/** @type {Check} */
export function noWorkForNothing({ jobs, faults, decisions }) {
  const wishes = decisions.filter(({ kind }) => WISHES.has(kind));
  /** @param {JobFact} job @param {Span} window @returns {number} Infinity where something lasted */
  const reasons = (job, window) => {
    const touching = faults
      .filter((fault) => fault.target !== HEALED && canTouch(fault, job))
      .map((fault) => spanOf(fault, faults))
      .filter((span) => overlaps(span, window));
    if (touching.some(({ from, until }) => until > from)) return Infinity;
    const wished = wishes.filter(
      ({ taskId, at }) => taskId === job.taskId && overlaps({ from: at, until: at }, window),
    );
    return touching.length + wished.length;
  };
  const again = jobs.flatMap((job) => {
    // When each attempt began is not kept: all of them began before the job's end.
    const found = reasons(job, { from: job.createdAt, until: job.finishedAt ?? Infinity });
    if (job.attempt <= 1 + found) return [];
    return [`${nameOf(job)}, segment ${job.segment}, was started ${job.attempt} times; reasons: ${found}`];
  });
  const anew = [...groupBy(jobs, nameOf).values()].flatMap((group) => {
    const inOrder = group.toSorted((a, b) => a.segment - b.segment);
    return inOrder.slice(1).flatMap((job, index) => {
      const former = /** @type {JobFact} */ (inOrder[index]);
      if (reasons(former, { from: former.createdAt, until: job.createdAt }) > 0) return [];
      return [
        `${nameOf(job)} was given as segment ${job.segment} after ${former.segment} (${former.state}) for no reason`,
      ];
    });
  });
  return [...again, ...anew];
}

/** @param {JobFact} job */
const nameOf = ({ taskId, iteration, phase }) => `${taskId}/${iteration}/${phase}`;
