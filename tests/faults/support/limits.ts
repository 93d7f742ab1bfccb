/**
 * Limits of a running process, set from outside with `prlimit`: as if descriptors or disk had run out. Only the soft limit is lowered,
 * so that it can be raised again. Files that are open stay open; what is forked later inherits.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { stackProcess } from '../../system/support/client';
import { note, type ProcessName } from './faults';

/** `nofile`: descriptors. `fsize`: bytes that a file may have; writing beyond it fails with EFBIG, which stands in for a full disk. */
type Resource = 'nofile' | 'fsize';
/** As many as are open: each new one is refused, and what is closed may be opened again. */
export const NO_MORE_FILES = 'all in use';
/** Less than any file that holds something has. */
export const NO_SPACE = 1;

/** What was lowered and by whom, with the soft limit it had. */
const lowered: { name: ProcessName; pid: number; resource: Resource; before: string }[] = [];

function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return [pid, ...children.map(Number).flatMap(family)];
}

/** The lowest number that no open file of a process has: with it as limit, none is left. */
function firstUnused(pid: number): number {
  const used = new Set(readdirSync(`/proc/${pid}/fd`));
  let number = 0;
  while (used.has(String(number))) number += 1;
  return number;
}

function set(pid: number, resource: Resource, value: string): void {
  for (const member of family(pid)) {
    const limit = value === NO_MORE_FILES ? firstUnused(member) : value;
    execFileSync('prlimit', ['--pid', String(member), `--${resource}=${limit}:`]);
  }
}

/** Lowers the limit of a process and of all that it has started. */
export function lower(name: ProcessName, resource: Resource, value: number | typeof NO_MORE_FILES): void {
  const { pid } = stackProcess(name);
  const [before = ''] = execFileSync('prlimit', [
    '--pid',
    String(pid),
    `--${resource}`,
    '--output=SOFT',
    '--noheadings',
  ])
    .toString()
    .split('\n');
  lowered.push({ name, pid, resource, before: before.trim() });
  note(`${name} ${resource}`);
  set(pid, resource, String(value));
}

/** Every limit is what it was. Of a process that died meanwhile there is none. */
export function raise(): void {
  for (const { name, pid, resource, before } of lowered.splice(0))
    if (stackProcess(name).pid === pid) set(pid, resource, before);
  note('healed');
}
