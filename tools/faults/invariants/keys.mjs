// @ts-check
// Whose an object is, by its key: the layout of the bucket once more, from the documentation, for the checker does not ask the code that
// it checks.

/** Below these all is ours; what else lies in the bucket is not judged, as retention leaves it alone. */
const ROOTS = ['datasets', 'optimized', 'models', 'evaluations'];

/** @param {string} key */
export const isOurs = (key) => ROOTS.some((root) => key.startsWith(`${root}/`));

/** @param {string} key of what a user uploads, whole or in parts */
export const isUpload = (key) => key.startsWith('datasets/');

/**
 * The ids of which one must have a row: of a data set that was uploaded, or of a task.
 * @param {string} key
 * @returns {string[]} none for a key that nothing of ours is given
 */
export function ownersOf(key) {
  const [top, first = '', second = ''] = key.split('/');
  if (top === 'datasets') return [second];
  if (top === 'models' || top === 'evaluations') return [first];
  // An optimised data set is named after its task, and has no row of its own where its segment was not accepted.
  const [, own] = /^dataset_(.+?)_i\d+/.exec(first) ?? [];
  return top === 'optimized' ? [first, ...(own ? [`task_${own}`] : [])] : [];
}
