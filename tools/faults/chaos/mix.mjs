// @ts-check
// How often the users of a chaos run do what. Looking is most of it, and most tasks should live to their end: only those can be compared
// with the reference.

/** @typedef {'pause' | 'pause and edit' | 'resume' | 'cancel' | 'fail' | 'edit stop conditions' | 'upload' | 'list' | 'wait'} Action */

/** Shares of a user's steps, in all 1. */
export const MIX = /** @type {readonly (readonly [Action, number])[]} */ ([
  ['pause', 0.04],
  ['pause and edit', 0.02],
  ['resume', 0.14],
  ['cancel', 0.01],
  ['fail', 0.01],
  ['edit stop conditions', 0.02],
  ['upload', 0.04],
  ['list', 0.15],
  ['wait', 0.57],
]);

/** @param {number} chance 0 ≤ x < 1 @returns {Action} */
export function actionOf(chance) {
  let left = chance;
  for (const [action, share] of MIX) {
    if (left < share) return action;
    left -= share;
  }
  return 'wait';
}
