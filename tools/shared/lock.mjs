// @ts-check
// A lock between processes: a file that names its holder. A lock whose holder is gone is taken over.
import fs from 'node:fs';
import path from 'node:path';
import { isAlive, processIdentity } from './processes.mjs';
import { pause } from './wait.mjs';

/**
 * @typedef {{ pid: number, identity?: string }} Holder
 * @typedef {{ release: () => void }} Lock
 */

/** @param {string} file @returns {Holder | undefined} who holds the lock, if anyone alive does */
export function lockHolder(file) {
  try {
    const holder = /** @type {Holder} */ (JSON.parse(fs.readFileSync(file, 'utf8')));
    if (!isAlive(holder.pid)) return undefined;
    return holder.identity === processIdentity(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Moves a dead holder's file away. When another process took the lock over meanwhile, its file is put back.
 * @param {string} file
 * @param {string} aside
 * @returns {boolean} whether the way is free
 */
function removeStale(file, aside) {
  try {
    fs.renameSync(file, aside);
  } catch {
    return true;
  }
  const live = lockHolder(aside) !== undefined;
  if (live) fs.linkSync(aside, file);
  fs.rmSync(aside, { force: true });
  return !live;
}

/**
 * Takes the lock at once or not at all.
 * @param {string} file
 * @returns {Lock | undefined} undefined when another live process holds it
 */
export function tryLock(file) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  fs.writeFileSync(own, JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) }));
  try {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      try {
        // A hard link appears whole or not at all, so no one ever reads half a lock file.
        fs.linkSync(own, file);
        return { release: () => fs.rmSync(file, { force: true }) };
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
        if (lockHolder(file) || !removeStale(file, `${own}.stale`)) return undefined;
      }
    }
    return undefined;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

/**
 * Waits for the lock.
 * @param {string} file
 * @param {(holder: Holder | undefined) => void} [onWait] called once when it is not free
 * @returns {Promise<Lock>}
 */
export async function lock(file, onWait) {
  for (let waiting = false; ; waiting = true) {
    const taken = tryLock(file);
    if (taken) return taken;
    if (!waiting) onWait?.(lockHolder(file));
    await pause(300);
  }
}
