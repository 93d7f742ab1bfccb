// @ts-check
// Files of JSON, one value a line, to which one process after the other adds. One that was killed may leave half a line: what is added
// after it stands in a line of its own, and who reads leaves it out. CommonJS, so that the fault tests can load it too.
const fs = require('node:fs');

/** @param {string} line */
const toStandardError = (line) => void process.stderr.write(`${line}\n`);

/**
 * @param {string} file
 * @param {(line: string) => void} [tell] of each line that is no JSON, but for a last one that nobody has ended
 * @returns {any[]} nothing when there is no such file
 */
exports.readJsonLines = function readJsonLines(file, tell = toStandardError) {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (line === '') return [];
    try {
      return [JSON.parse(line)];
    } catch {
      if (index < lines.length - 1) tell(`${file}: line ${index + 1} is not whole and is left out`);
      return [];
    }
  });
};

/** @param {string} file made when there is none @param {unknown} value */
exports.addJsonLine = function addJsonLine(file, value) {
  const handle = fs.openSync(file, 'a+');
  try {
    const { size } = fs.fstatSync(handle);
    const last = Buffer.from('\n');
    if (size > 0) fs.readSync(handle, last, 0, 1, size - 1);
    fs.appendFileSync(handle, `${last.toString() === '\n' ? '' : '\n'}${JSON.stringify(value)}\n`);
  } finally {
    fs.closeSync(handle);
  }
};
