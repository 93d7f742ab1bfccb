// @ts-check
// Waiting with a deadline.

/** @param {number} milliseconds */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Asks again and again until the answer is truthy.
 * @template T
 * @param {() => T | Promise<T>} ask
 * @param {{ timeoutMs: number, intervalMs?: number }} limits
 * @returns {Promise<T | undefined>} the first truthy answer, or undefined when time ran out
 */
export async function waitUntil(ask, { timeoutMs, intervalMs = 50 }) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() >= deadline) return undefined;
    await pause(intervalMs);
  }
}
