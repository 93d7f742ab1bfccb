// @ts-check
// Files of JSON, one value a line, to which a process adds. One that was killed may leave half a line at the end.
import fs from 'node:fs';

/** @param {string} file @returns {any[]} nothing when there is no such file */
export function readJsonLines(file) {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.flatMap((line, index) => {
    try {
      return [JSON.parse(line)];
    } catch (error) {
      if (index === lines.length - 1) return [];
      throw error;
    }
  });
}

/** @param {string} file @param {unknown} value */
export function addJsonLine(file, value) {
  fs.appendFileSync(file, `${JSON.stringify(value)}\n`);
}
