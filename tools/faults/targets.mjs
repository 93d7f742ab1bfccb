// @ts-check
// What can be killed in a running stack: its processes, by their ids in run.json, and the processes of jobs, which work in a folder of
// the stack's work folder.
import fs from 'node:fs';
import path from 'node:path';
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
 * The processes that work for jobs, of one service or of all. Linux only: elsewhere none are found.
 * @param {string} dataDir
 * @param {string} [service]
 * @returns {{ pid: number, service: string, folder: string }[]}
 */
export function jobProcesses(dataDir, service) {
  if (!fs.existsSync('/proc')) return [];
  const root = `${path.join(fs.realpathSync(dataDir), 'work')}${path.sep}`;
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const folder = fs.readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
        if (!folder.startsWith(root)) return [];
        const [owner = '', job = ''] = folder.slice(root.length).split(path.sep);
        return [{ pid: Number(pid), service: owner, folder: job }];
      } catch {
        return [];
      }
    })
    .filter((process) => service === undefined || process.service === service);
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
