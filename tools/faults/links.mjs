// @ts-check
// Every connection of a stack that a fault can be laid into: who calls whom. A link is named `from→to`.

/** @typedef {{ from: string, to: import('../stack/routes.mjs').RouteTarget }} Link */

/** @type {readonly Link[]} */
export const LINKS = [
  { from: 'api', to: 'postgres' },
  { from: 'api', to: 'temporal' },
  { from: 'api', to: 's3' },
  { from: 'api', to: 'trainer' },
  { from: 'worker', to: 'postgres' },
  { from: 'worker', to: 'temporal' },
  { from: 'worker', to: 's3' },
  { from: 'worker', to: 'optimizer' },
  { from: 'worker', to: 'trainer' },
  { from: 'worker', to: 'evaluator' },
  { from: 'optimizer', to: 's3' },
  { from: 'trainer', to: 's3' },
  { from: 'evaluator', to: 's3' },
  { from: 'temporal', to: 'postgres' },
];

/** @param {Link} link */
export const linkName = ({ from, to }) => `${from}→${to}`;
