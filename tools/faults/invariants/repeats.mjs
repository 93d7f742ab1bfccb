// @ts-check
// I10: no work is done again without a reason. A job is started again in its own row (another attempt) or as the next segment of its
// phase. Each repeat needs a fault of its own that can do this to this job, or a pause of its task: what has excused one repeat of a job
// excuses no other. Faults of the worker, Temporal, PostgreSQL and the API excuse none: after those a job is found again by its key.
// Not covered: how much of the work was lost by a repeat.
import { groupBy } from './group-by.mjs';

/**
 * @typedef {import('./facts.mjs').Facts} Facts
 * @typedef {import('./facts.mjs').Check} Check
 * @typedef {import('./facts.mjs').JobFact} JobFact
 * @typedef {import('./facts.mjs').FaultFact} FaultFact
 * @typedef {{ from: number, until: number }} Span milliseconds
 * @typedef {Span & { isOfAttempts: boolean, lasts: boolean, job?: string }} Excuse
 * @typedef {Span & { job: JobFact, kind: 'attempt' | 'segment' | 'end', said: string }} Repeat
 */

/** A fault is written down some milliseconds before or after it is made. */
const NOTED_MS = 500;
/** A service that is told to stop lets trainings save for five seconds and gives its requests two, in which it may start a job that it then ends. */
const SERVICE_ENDS_MS = 8_000;
/** One that is killed is gone, its jobs with it; the next one has taken up those by then that the first had just been given. */
const SERVICE_IS_KILLED_MS = 2_500;
const KILLS = new Set([undefined, 'SIGKILL', 'kill']);
/** The supervisor starts a process that died again and again after fifteen seconds at most; the object store is ready soon after. */
const STORE_AWAY_MS = 17_000;
/**
 * A pause may overtake the submission of the job that it ends, whose request lives for fifteen seconds at most. It is noted with the time
 * at which the workflow learned of it, so before that job's end.
 */
const PAUSE_OVERTAKES_MS = 15_000;

/** The entry that ends all faults that last. */
const HEALED = 'healed';

/** Whether it is a hurt connection or a limit, which last until all is healed. @param {FaultFact} fault */
const lasts = ({ target }) => target.includes('→') || /^\w+ \w+$/.test(target);

/**
 * What a fault can do to the jobs of a service. `attempt`: start one again in its own row, as only the end of its process can, of its own
 * or with its service. `segment`: also end it, so that its phase goes on with another job: it finds its data or its worker no more.
 * @param {string} target `trainer`, `trainer nofile`, `job of trainer`, `worker→s3 latency`
 * @param {string} service
 * @returns {'attempt' | 'segment' | null} null: nothing
 */
function touches(target, service) {
  const [place = ''] = target.split(' ');
  if (place === service || target === `job of ${service}`) return 'attempt';
  return ['s3', `${service}→s3`, `worker→${service}`].includes(place) ? 'segment' : null;
}

/**
 * When the fault can touch a job that is there.
 * @param {FaultFact} fault
 * @param {FaultFact[]} faults in order, which their milliseconds do not always tell
 * @returns {Span}
 */
function spanOf(fault, faults) {
  const { at, target, by } = fault;
  if (lasts(fault))
    return {
      from: at,
      until: faults.slice(faults.indexOf(fault)).find((one) => one.target === HEALED)?.at ?? Infinity,
    };
  const endsMs = KILLS.has(by) ? SERVICE_IS_KILLED_MS : SERVICE_ENDS_MS;
  return {
    from: at - NOTED_MS,
    until: at + (target.startsWith('job of ') ? NOTED_MS : target === 's3' ? STORE_AWAY_MS : endsMs),
  };
}

/** What may excuse the repeats of these jobs, which are those of one phase. @param {JobFact[]} group @param {Facts} facts @returns {Excuse[]} */
function excusesFor(group, { faults, decisions }) {
  const [first] = group;
  if (!first) return [];
  const touching = faults.flatMap((fault) => {
    const effect = touches(fault.target, first.service);
    if (effect === null) return [];
    const job = fault.job === undefined ? {} : { job: fault.job };
    return [{ ...spanOf(fault, faults), isOfAttempts: effect === 'attempt', lasts: lasts(fault), ...job }];
  });
  const pauses = decisions
    .filter(({ taskId, kind }) => kind === 'pause' && taskId === first.taskId)
    .map(({ at }) => ({
      ...{ from: at - NOTED_MS, until: at + PAUSE_OVERTAKES_MS },
      ...{ isOfAttempts: false, lasts: false },
    }));
  // Those that are over first are used first, so that none is kept for nothing.
  return [...touching, ...pauses].toSorted((a, b) => a.until - b.until);
}

/** What was started again among the jobs of one phase, by segment; what only a process's end explains first. @param {JobFact[]} group @returns {Repeat[]} */
function repeatsOf(group) {
  return group.flatMap((job, index) => {
    const { segment, attempt, state, startedAt, createdAt, finishedAt } = job;
    const ended = { from: createdAt, until: finishedAt ?? Infinity };
    /** @type {Repeat[]} */
    const attempts = Array.from({ length: Math.max(0, attempt - 1) }, () => ({
      ...{ from: startedAt ?? createdAt, until: finishedAt ?? Infinity, job, kind: /** @type {const} */ ('attempt') },
      said: `${nameOf(job)}, segment ${segment}, was started ${attempt} times`,
    }));
    const former = group[index - 1];
    const next = group[index + 1];
    // A service that lost its store knows the segments before no more.
    const unknown = Array.from({ length: segment - (former ? former.segment + 1 : 0) }, (_, back) => ({
      ...{ from: former?.createdAt ?? -Infinity, until: createdAt, job, kind: /** @type {const} */ ('segment') },
      said: `${nameOf(job)} was given as segment ${segment - back} after one that the ${job.service} does not know`,
    }));
    // One that was never begun cost nothing.
    if (!next || attempt === 0) return [...unknown, ...attempts];
    const said = `${nameOf(job)} was given as segment ${segment + 1} after ${segment} (${state})`;
    return [
      ...unknown,
      ...attempts,
      { ...ended, until: Math.min(ended.until, next.createdAt), job, kind: 'segment', said },
    ];
  });
}

/**
 * Gives each repeat an excuse that no other has, in the order in which they happened; what lasts excuses all that fall into it.
 * @param {Repeat[]} repeats @param {Excuse[]} excuses
 * @returns {Repeat[]} those for which there was none
 */
function withoutExcuse(repeats, excuses) {
  const used = new Set();
  return repeats.filter(({ from, until, job, kind }) => {
    const own = excuses.find(
      (excuse) =>
        !used.has(excuse) &&
        (excuse.isOfAttempts || kind !== 'attempt') &&
        (excuse.job === undefined || excuse.job === job.jobId) &&
        excuse.until >= from &&
        excuse.from <= until,
    );
    if (own && !own.lasts) used.add(own);
    return own === undefined;
  });
}

/** The jobs of each phase, by segment. @param {JobFact[]} jobs */
const phasesOf = (jobs) =>
  [...groupBy(jobs, nameOf).values()].map((group) => group.toSorted((a, b) => a.segment - b.segment));

/**
 * Ends of jobs for which there is no reason: the phases that failed though nothing that can fail them was done to them. What excuses a
 * repeat of the phase excuses not its end as well.
 * @param {Facts} facts
 * @returns {JobFact[]}
 */
export function failuresForNothing(facts) {
  return phasesOf(facts.jobs).flatMap((group) => {
    const last = group.at(-1);
    if (last?.state !== 'failed') return [];
    /** @type {Repeat} */
    const end = { from: last.createdAt, until: last.finishedAt ?? Infinity, job: last, kind: 'end', said: '' };
    const bare = withoutExcuse([...repeatsOf(group), end], excusesFor(group, facts));
    return bare.includes(end) ? [last] : [];
  });
}

/** @type {Check} */
export function noWorkForNothing(facts) {
  const bare = phasesOf(facts.jobs).flatMap((group) => withoutExcuse(repeatsOf(group), excusesFor(group, facts)));
  return [...groupBy(bare, ({ said }) => said)].map(
    ([said, { length }]) => `${said}, ${length === 1 ? 'once' : `${length} times`} without a reason of its own`,
  );
}

/**
 * How much was done again: starts of jobs beyond the first of each phase, for each phase of an iteration that had work to do.
 * @param {JobFact[]} jobs
 * @returns {{ needed: number, again: number }}
 */
export function workDoneAgain(jobs) {
  const starts = phasesOf(jobs).map((group) => group.reduce((sum, { attempt }) => sum + attempt, 0));
  const begun = starts.filter((count) => count > 0);
  return { needed: begun.length, again: begun.reduce((sum, count) => sum + count - 1, 0) };
}

/** @param {JobFact} job */
const nameOf = ({ taskId, iteration, phase }) => `${taskId}/${iteration}/${phase}`;
