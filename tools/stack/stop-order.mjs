// @ts-check
// In which order the processes of a stack are stopped. Not here: how one is.

/**
 * Stops what started last first, one after the other; of a tier last, and side by side, those that need nothing of one another and take
 * their time. Goes on when one cannot be stopped, and throws the first such error in the end.
 * @template {{ name: string }} Process
 * @param {Process[][]} tiers in the order in which they were started
 * @param {ReadonlySet<string>} sideBySide names
 * @param {(process: Process) => Promise<void>} stop
 */
export async function stopInOrder(tiers, sideBySide, stop) {
  /** @type {unknown[]} */
  const faults = [];
  const tried = (/** @type {Process} */ process) => stop(process).catch((error) => void faults.push(error));
  for (const tier of tiers.toReversed()) {
    for (const process of tier.toReversed()) if (!sideBySide.has(process.name)) await tried(process);
    await Promise.all(tier.filter(({ name }) => sideBySide.has(name)).map(tried));
  }
  if (faults.length > 0) throw faults[0];
}
