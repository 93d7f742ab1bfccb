// @ts-check
// Lines of several processes on one terminal, each with the name of its process before it.

const COLOURS = [36, 32, 35, 33, 34, 96, 92, 95];

/**
 * @param {NodeJS.WriteStream} output
 * @returns {(name: string, line: string) => void}
 */
export function prefixedPrinter(output) {
  // The reader may go away (a closed terminal, a pipe to head); the stack goes on and its log files hold everything.
  output.on('error', () => {});
  /** @type {Map<string, number>} */
  const colours = new Map();
  return (name, line) => {
    if (!colours.has(name)) colours.set(name, COLOURS[colours.size % COLOURS.length] ?? 0);
    const prefix = `${name.padEnd(9)} │`;
    output.write(`${output.isTTY ? `\x1b[${colours.get(name)}m${prefix}\x1b[0m` : prefix} ${line}\n`);
  };
}
