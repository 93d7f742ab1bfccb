// @ts-check
// <data dir>/faults.jsonl: every fault that was made, and every stop of the stack, for the checker, which blames repeated work on them.
import path from 'node:path';
import { addJsonLine } from './json-lines.mjs';

export const FAULT_LOG = 'faults.jsonl';

/** @param {string} dataDir @param {string} target such as `trainer` or `job of trainer` @param {object} [details] */
export function noteFault(dataDir, target, details = {}) {
  addJsonLine(path.join(dataDir, FAULT_LOG), { at: Date.now(), target, ...details });
}
