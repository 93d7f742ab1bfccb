// @ts-check
// Ctrl-C and its like: the first asks the stack to stop, a second one kills it at once.

/** npm passes on the Ctrl-C that the terminal sends to both; that is one wish, not two. */
const SAME_WISH_MS = 750;
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * @param {{ stop: () => Promise<void>, kill: () => Promise<void> }} stack
 * @param {(line: string) => void} print
 * @returns {Promise<void>} settles when the stack has stopped after the first signal
 */
export function stopOnSignal(stack, print) {
  return new Promise((resolve, reject) => {
    let firstAt = 0;
    let killing = false;
    const onSignal = (/** @type {NodeJS.Signals} */ signal) => {
      if (!firstAt) {
        firstAt = Date.now();
        print(`${signal}: stopping; once more to kill at once`);
        // What kills the stack also ends its stop; the process must not leave with that one's code then.
        stack.stop().then(
          () => killing || resolve(),
          (error) => killing || reject(error),
        );
      } else if (Date.now() - firstAt > SAME_WISH_MS) {
        killing = true;
        void stack.kill().finally(() => {
          print('killed');
          process.exit(130);
        });
      }
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
}
