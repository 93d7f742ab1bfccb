// @ts-check
// The eleven invariants of docs/reliability.md, in order, and how a verdict is told.
import { noSuccessIsLost, noUserSeesAnother } from './answers.mjs';
import { noWorkForNothing, workDoneAgain } from './repeats.mjs';
import { historiesStayShort, objectsAreAsTheirRowsSay, restingTasksHoldNothing } from './resources.mjs';
import {
  everyTaskEnds,
  everyTransitionIsTold,
  oneAcceptedOutput,
  pathsAreLegal,
  sameResultAsWithoutFaults,
} from './tasks.mjs';

/** @typedef {import('./facts.mjs').Facts} Facts @typedef {import('./facts.mjs').Check} Check */

/** @type {readonly { id: string, promise: string, check: Check, ofClientLog?: boolean }[]} */
export const INVARIANTS = [
  { id: 'I1', promise: 'no success that was answered is lost', check: noSuccessIsLost, ofClientLog: true },
  { id: 'I2', promise: 'each task goes a legal path to one end', check: pathsAreLegal },
  { id: 'I3', promise: 'each phase has exactly one accepted output', check: oneAcceptedOutput },
  { id: 'I4', promise: 'nothing works for a task that rests', check: restingTasksHoldNothing },
  { id: 'I5', promise: 'objects are as their rows say', check: objectsAreAsTheirRowsSay },
  { id: 'I6', promise: 'each transition is told once, in order', check: everyTransitionIsTold },
  { id: 'I7', promise: 'no user sees anything of another', check: noUserSeesAnother, ofClientLog: true },
  { id: 'I8', promise: 'every started task ends or rests', check: everyTaskEnds },
  { id: 'I9', promise: 'no history grows past its bound', check: historiesStayShort },
  { id: 'I10', promise: 'no work is done again without a reason', check: noWorkForNothing },
  { id: 'I11', promise: 'the result is that of a run without faults', check: sameResultAsWithoutFaults },
];

const SHOWN = 20;

/**
 * @param {Facts} facts
 * @returns {{ passed: number, failed: number, lines: string[] }} the last line says `N passed, N failed`; the line above names those that
 *   could not be judged, which are neither
 */
export function judge(facts) {
  const judged = INVARIANTS.filter(({ ofClientLog }) => facts.hasClientLog || !ofClientLog);
  let failed = 0;
  const lines = judged.flatMap(({ id, promise, check }) => {
    const violations = check(facts);
    if (violations.length === 0) return [`✓ ${id.padEnd(3)} ${promise}`];
    failed += 1;
    const more = violations.length - SHOWN;
    return [
      `✗ ${id.padEnd(3)} ${promise}: ${violations.length}`,
      ...violations.slice(0, SHOWN).map((violation) => `      ${violation}`),
      ...(more > 0 ? [`      and ${more} more`] : []),
    ];
  });
  const passed = judged.length - failed;
  const others = INVARIANTS.filter((one) => !judged.includes(one)).map(({ id }) => id);
  const notJudged = others.length > 0 ? [`not judged: ${others.join(', ')} (no client log)`] : [];
  return { passed, failed, lines: [...lines, ...notJudged, `${passed} passed, ${failed} failed`] };
}

/** @param {string[]} words @returns {string} such as `3 COMPLETED, 1 FAILED` */
function counted(words) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
}

/**
 * What there was to judge, so that a verdict over nothing does not look like one over much.
 * @param {Facts} facts
 * @returns {string[]}
 */
export function extent({ tasks, events, objects, requests, faults, jobs }) {
  const { needed, again } = workDoneAgain(jobs);
  const ends = tasks.map(({ status, failureCode }) => (failureCode ? `${status} (${failureCode})` : status));
  return [
    `${tasks.length} tasks: ${counted(ends) || 'none'}`,
    `${events.length} events, ${jobs.length} jobs, ${objects.size} objects, ${requests.length} requests, ${faults.length} faults`,
    `${needed} phases begun, ${again} starts of their jobs beyond the first: ${(again / Math.max(1, needed)).toFixed(3)} for each`,
  ];
}
