// @ts-check
// What the rows of tasks must say: I2 a legal path, I3 one accepted output, I6 every transition told once and in order, I8 an end in
// time, I11 the same result as without faults.
import { folderOf } from './facts.mjs';
import { groupBy } from './group-by.mjs';

/**
 * @typedef {import('./facts.mjs').Check} Check
 * @typedef {import('./facts.mjs').Facts} Facts
 * @typedef {import('./facts.mjs').EventFact} EventFact
 */

/** The state machine once more, from the documentation: the checker does not ask the code that it checks. */
const TRANSITIONS = /** @type {Record<string, string[]>} */ ({
  PENDING: ['OPTIMIZING', 'CANCELLED', 'FAILED'],
  OPTIMIZING: ['TRAINING', 'FAILED', 'CANCELLED', 'SUSPENDED'],
  TRAINING: ['EVALUATING', 'FAILED', 'CANCELLED', 'SUSPENDED'],
  EVALUATING: ['COMPLETED', 'LOOPING', 'FAILED', 'CANCELLED', 'SUSPENDED'],
  LOOPING: ['OPTIMIZING', 'COMPLETED', 'CANCELLED', 'FAILED', 'SUSPENDED'],
  SUSPENDED: ['OPTIMIZING', 'TRAINING', 'EVALUATING', 'LOOPING', 'CANCELLED', 'FAILED'],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
});

const PHASES = ['optimization', 'training', 'evaluation'];

/** @param {string} status */
const isTerminal = (status) => TRANSITIONS[status]?.length === 0;

/** @type {Check} */
export function pathsAreLegal({ tasks, events }) {
  const byTask = groupBy(events, ({ taskId }) => taskId);
  return tasks.flatMap(({ taskId, status }) => {
    const faults = [];
    let current = 'PENDING';
    for (const { seq, payload } of (byTask.get(taskId) ?? []).toSorted((a, b) => a.seq - b.seq)) {
      const { from = 'PENDING', status: to } = payload; // Absent in the event of the creation.
      if (from !== current) faults.push(`${taskId} at ${seq} comes from ${from}, but was ${current}`);
      if (to !== from && !TRANSITIONS[from]?.includes(to))
        faults.push(`${taskId} at ${seq} went from ${from} to ${to}`);
      current = to;
    }
    if (current !== status) faults.push(`${taskId} is ${status}, its events end with ${current}`);
    return faults;
  });
}

/** @type {Check} */
export function oneAcceptedOutput({ tasks, executions, datasets, objects }) {
  const completed = executions.filter(({ status }) => status === 'completed');
  const groups = groupBy(completed, ({ taskId, iteration, phase }) => `${taskId}/${iteration}/${phase}`);
  const twice = [...groups]
    .filter(([, rows]) => rows.length > 1)
    .map(([name, rows]) => `${name} was accepted in the segments ${rows.map(({ segment }) => segment).join(' and ')}`);
  const missing = tasks
    .filter(({ status }) => status === 'COMPLETED')
    .flatMap(({ taskId, currentIteration }) =>
      Array.from({ length: currentIteration + 1 }, (_, iteration) =>
        PHASES.map((phase) => `${taskId}/${iteration}/${phase}`),
      )
        .flat()
        .filter((name) => !groups.has(name))
        .map((name) => `${name} has no accepted output, and its task is COMPLETED`),
    );
  // Retention takes the rows of iterations that nobody needs, and nothing of what was trained or evaluated.
  const collected = new Set(
    datasets.filter(({ collectedAt }) => collectedAt).map(({ storagePath }) => folderOf(storagePath)),
  );
  const lost = completed.flatMap(({ taskId, iteration, phase, keys }) =>
    keys
      .filter((key) => !objects.has(key) && !(phase === 'optimization' && collected.has(folderOf(key))))
      .map((key) => `${taskId}/${iteration}/${phase} names ${key}, which is not there`),
  );
  return [...twice, ...missing, ...lost];
}

/** @type {Check} */
export function everyTransitionIsTold({ tasks, events }) {
  const byTask = groupBy(events, ({ taskId }) => taskId);
  return tasks.flatMap(({ taskId, seq }) => {
    const told = (byTask.get(taskId) ?? []).toSorted((a, b) => a.id - b.id);
    const faults = told.slice(1).flatMap((event, index) => {
      const before = /** @type {EventFact} */ (told[index]);
      if (event.seq === before.seq && event.type === before.type) return [`${taskId} told ${event.seq} twice`];
      return event.seq < before.seq ? [`${taskId} told ${event.seq} after ${before.seq}`] : [];
    });
    const last = told.at(-1);
    // A row that no workflow has written yet has no event either.
    if (last && last.seq !== seq) faults.push(`${taskId} is at ${seq}, its events end at ${last.seq}`);
    return faults;
  });
}

/** To be asked once faults have stopped and the bound is over. @type {Check} */
export function everyTaskEnds({ tasks, decisions }) {
  const turns = decisions.filter(({ kind }) => kind === 'pause' || kind === 'resume');
  const lastTurn = new Map(turns.map(({ taskId, kind }) => [taskId, kind]));
  return tasks.flatMap(({ taskId, status, controlState, startRequestedAt }) => {
    const unstarted = status === 'PENDING' && startRequestedAt === null;
    if (isTerminal(status) || unstarted) return [];
    if (status === 'SUSPENDED' && controlState === 'none')
      return lastTurn.get(taskId) === 'resume' ? [`${taskId} is SUSPENDED, though it was resumed last`] : [];
    return [`${taskId} is ${status}${controlState === 'none' ? '' : `, ${controlState}`}`];
  });
}

/** @type {Check} */
export function sameResultAsWithoutFaults({ tasks, executions }) {
  const fingerprints = new Map(tasks.map(({ taskId, fingerprint }) => [taskId, fingerprint]));
  const results = executions.filter(({ status, phase }) => status === 'completed' && phase !== 'optimization');
  const groups = groupBy(
    results,
    ({ taskId, iteration, phase }) => `${fingerprints.get(taskId)} iteration ${iteration} ${phase}`,
  );
  return [...groups].flatMap(([name, rows]) => {
    const values = groupBy(rows, ({ phase, weightsSha256, score }) =>
      String(phase === 'training' ? weightsSha256 : score),
    );
    if (values.size <= 1) return [];
    const shown = [...values].map(([value, same]) => `${value} in ${same.map(({ taskId }) => taskId).join(', ')}`);
    return [`${name}: ${shown.join('; ')}`];
  });
}
