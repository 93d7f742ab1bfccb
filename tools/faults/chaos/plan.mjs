// @ts-check
// The plan of a chaos run: which process is killed when. A pure function of the seed, so that a run can be made again.
import { seededRandom } from '../seeded-random.cjs';
import { PROCESSES } from '../targets.mjs';

/** Services whose jobs are processes of their own. */
const SERVICES = /** @type {const} */ (['optimizer', 'trainer', 'evaluator']);

/** @typedef {{ atMs: number, kill: 'process' | 'job', target: string, pick: number }} PlannedFault `pick`: which of several, 0…1 */

/**
 * One kill every `intervalSeconds`, of a process of the stack or of a job, all equally likely.
 * @param {{ seed: number, minutes: number, intervalSeconds: number }} options
 * @returns {PlannedFault[]}
 */
export function chaosPlan({ seed, minutes, intervalSeconds }) {
  const random = seededRandom(seed);
  const targets = [
    ...PROCESSES.map((target) => ({ kill: /** @type {const} */ ('process'), target })),
    ...SERVICES.map((target) => ({ kill: /** @type {const} */ ('job'), target })),
  ];
  return Array.from({ length: Math.floor((minutes * 60) / intervalSeconds) }, (_, index) => {
    const chosen = /** @type {(typeof targets)[number]} */ (targets[Math.floor(random() * targets.length)]);
    return { atMs: Math.round((index + 1) * intervalSeconds * 1000), ...chosen, pick: random() };
  });
}
