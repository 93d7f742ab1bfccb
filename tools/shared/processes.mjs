// @ts-check
// Looking at processes by id: is it alive, is it still the one we meant, which ones descend from it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { waitUntil } from './wait.mjs';

/** @param {string[]} columns @param {string[]} selection */
function ps(columns, selection) {
  try {
    return execFileSync('ps', [...selection, ...columns.flatMap((column) => ['-o', `${column}=`])], {
      encoding: 'utf8',
      // Start times are compared between processes, whose locales and time zones may differ.
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}

/**
 * The fields of /proc/<pid>/stat after the command name, which may itself hold spaces; undefined when there is no such process.
 * @param {number | string} pid
 */
function statFields(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Whether a process with this id exists and is no zombie. @param {number} pid */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
  return process.platform !== 'linux' || statFields(pid)?.[0] !== 'Z';
}

/**
 * A value that two processes with the same id do not share: the time the process started. Undefined when it is gone.
 * @param {number} pid
 */
export function processIdentity(pid) {
  if (process.platform === 'linux') return statFields(pid)?.[19];
  return ps(['lstart'], ['-p', String(pid)]).trim() || undefined;
}

/** The command line of a process, arguments apart by blanks; empty when it is gone or not ours to look into. @param {number} pid */
export function commandOf(pid) {
  if (process.platform !== 'linux') return ps(['command'], ['-p', String(pid)]).trim();
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** @returns {[pid: number, parent: number][]} */
function parents() {
  if (process.platform !== 'linux') {
    return ps(['pid', 'ppid'], ['-A'])
      .trim()
      .split('\n')
      .map((line) => {
        const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
        return [pid, parent];
      });
  }
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), Number(statFields(name)?.[1] ?? 0)]);
}

/** The process and everything that descends from it, ancestors first. @param {number} root */
export function processTree(root) {
  const all = parents();
  const tree = [root];
  for (let index = 0; index < tree.length; index += 1) {
    for (const [pid, parent] of all) if (parent === tree[index]) tree.push(pid);
  }
  return tree;
}

/**
 * Sends a signal; nothing happens when the process is gone. A negative id means a process group.
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
export function sendSignal(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/**
 * Ends a process tree: asks the root, which ends what it has started, and kills what is left of the tree once the root is gone or the
 * grace period is over.
 * @param {number} pid
 * @param {{ signal?: NodeJS.Signals, graceMs: number }} options
 */
export async function endProcessTree(pid, { signal = 'SIGTERM', graceMs }) {
  const tree = processTree(pid).map((member) => ({ member, identity: processIdentity(member) }));
  sendSignal(pid, signal);
  await waitUntil(() => !isAlive(pid), { timeoutMs: graceMs, intervalMs: 25 });
  for (const { member, identity } of tree) {
    if (identity !== undefined && processIdentity(member) === identity) sendSignal(member, 'SIGKILL');
  }
  await waitUntil(() => !isAlive(pid), { timeoutMs: 2000, intervalMs: 25 });
}
