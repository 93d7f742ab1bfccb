// @ts-check
// Ends what a supervisor that was killed left behind, so that the next start finds its ports and data folders free.
import fs from 'node:fs';
import path from 'node:path';
import { commandOf, endProcessTree, isAlive } from '../shared/processes.mjs';
import { isRunning, readRunFile, removeRunFile } from './run-file.mjs';

const GRACE_MS = 8000;

/**
 * The postmaster that holds a PostgreSQL data folder, if one does.
 * @param {string} directory
 */
function postmaster(directory) {
  const file = path.join(directory, 'postmaster.pid');
  if (!fs.existsSync(file)) return undefined;
  const pid = Number(fs.readFileSync(file, 'utf8').split('\n')[0]);
  if (!pid || !isAlive(pid)) return undefined;
  // After a reboot the id may belong to somebody else, another PostgreSQL too.
  return commandOf(pid).includes(directory) ? pid : undefined;
}

/**
 * Must be called by the holder of the data folder's lock only.
 * @param {{ dataDir: string, postgresDirectory?: string }} place
 * @returns {Promise<string[]>} names of what was ended
 */
export async function endLeftovers({ dataDir, postgresDirectory }) {
  const processes = Object.entries(readRunFile(dataDir)?.processes ?? {}).filter(([, record]) => isRunning(record));
  await Promise.all(
    processes.map(([, { pid, stopSignal }]) =>
      endProcessTree(/** @type {number} */ (pid), { signal: stopSignal, graceMs: GRACE_MS }),
    ),
  );
  const ended = processes.map(([name]) => name);
  const pid = postgresDirectory && postmaster(postgresDirectory);
  if (pid) {
    await endProcessTree(pid, { signal: 'SIGINT', graceMs: GRACE_MS });
    ended.push('postgres');
  }
  removeRunFile(dataDir);
  return ended;
}
