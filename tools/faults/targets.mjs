// @ts-check
// What can be killed in a running stack: its processes, by their ids in run.json. Not covered: those of jobs (job-processes.cjs).
import { sendSignal } from '../shared/processes.mjs';
import { isRunning, readRunFile } from '../stack/run-file.mjs';

export const PROCESSES = /** @type {const} */ ([
  'api',
  'worker',
  'optimizer',
  'trainer',
  'evaluator',
  'temporal',
  'postgres',
  's3',
]);

/** @typedef {(typeof PROCESSES)[number]} ProcessName */

/** The id of a process of the stack; undefined while it is being started again. @param {string} dataDir @param {ProcessName} name */
export function pidOf(dataDir, name) {
  const record = readRunFile(dataDir)?.processes[name];
  return record && isRunning(record) ? /** @type {number} */ (record.pid) : undefined;
}

/**
 * Sends a signal to a process of the stack.
 * @param {string} dataDir @param {ProcessName} name @param {NodeJS.Signals} [signal]
 * @returns {number | undefined} its id; undefined when it was not running just then
 */
export function signalProcess(dataDir, name, signal = 'SIGKILL') {
  const pid = pidOf(dataDir, name);
  if (pid !== undefined) sendSignal(pid, signal);
  return pid;
}
