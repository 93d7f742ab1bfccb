// @ts-check
// <data dir>/run.json: what runs now, for people, scripts and the next start. Holds no secrets. Written whole or not at all.
import fs from 'node:fs';
import path from 'node:path';
import { isAlive, processIdentity } from '../shared/processes.mjs';

/**
 * @typedef {object} ProcessRecord
 * @property {number | null} pid null while it is being started again
 * @property {number} port
 * @property {string} url
 * @property {string} logFile
 * @property {NodeJS.Signals} stopSignal
 * @property {string} [identity] tells the process from a later one with the same id
 *
 * @typedef {object} RunRecord
 * @property {{ pid: number, identity?: string }} supervisor
 * @property {string} startedAt ISO 8601
 * @property {boolean} ready
 * @property {string} dataDir
 * @property {Record<string, string>} urls what people open
 * @property {string[]} external components that run elsewhere and were not started
 * @property {Record<string, ProcessRecord>} processes
 */

/** @param {string} dataDir */
const runFile = (dataDir) => path.join(dataDir, 'run.json');

/** @param {string} dataDir @param {RunRecord} record */
export function writeRunFile(dataDir, record) {
  const fresh = `${runFile(dataDir)}.new`;
  fs.writeFileSync(fresh, `${JSON.stringify(record, null, 2)}\n`);
  fs.renameSync(fresh, runFile(dataDir));
}

/** @param {string} dataDir @returns {RunRecord | undefined} */
export function readRunFile(dataDir) {
  try {
    return JSON.parse(fs.readFileSync(runFile(dataDir), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {string} dataDir */
export const removeRunFile = (dataDir) => fs.rmSync(runFile(dataDir), { force: true });

/** Whether the process of a record still runs, and is not a later one with the same id. @param {{ pid: number | null, identity?: string }} record */
export const isRunning = ({ pid, identity }) => pid !== null && isAlive(pid) && processIdentity(pid) === identity;

/** The record of the stack on this data folder, if its supervisor lives. @param {string} dataDir */
export function runningStack(dataDir) {
  const record = readRunFile(dataDir);
  return record && isRunning(record.supervisor) ? record : undefined;
}
