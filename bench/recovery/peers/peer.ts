/** A peer as the measurements use it: runs that work, loop or wait, and the process that runs them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { processesIn, sleep } from '../people';

export interface Peer {
  /** Starts a run and answers with its id. `work` runs work.py in one step, until that is ended. */
  start(kind: string, ...args: unknown[]): Promise<string>;
  /** In the peer's own words. */
  status(run: string): Promise<string>;
  cancel(run: string): Promise<unknown>;
  /** What comes closest to it. */
  pause(run: string): Promise<unknown>;
  resume(run: string): Promise<unknown>;
  /** Wakes a run of `wait`; answers once the run is awake. */
  wake(run: string, folder: string): Promise<unknown>;
  startWorker(): Promise<void>;
  /** The process that takes runs; undefined when none runs. */
  workerPid(): number | undefined;
  /** Ends the worker and all else that was started for the peer; may be repeated. */
  close(): Promise<void>;
}

/** What the process of a step has written: counts, and when it was started by whom. */
export class Progress {
  constructor(readonly folder: string) {}

  private lines(): string[] {
    try {
      return readFileSync(path.join(this.folder, 'progress'), 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  }

  /** The highest count so far; 0 before the first one. */
  highest(): number {
    return this.lines().reduce((most, line) => Math.max(most, Number(line) || 0), 0);
  }

  /** Each process that worked, and its parent. */
  starts(): { pid: number; parent: number }[] {
    const words = this.lines().flatMap((line) => (line.startsWith('start ') ? [line.split(' ')] : []));
    return words.map(([, pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }));
  }

  /** Processes that work now: those that stand in the folder. */
  working(): number {
    return processesIn(this.folder);
  }

  /** Ends them, where the peer does not. */
  endWork(): void {
    for (const { pid } of this.working() > 0 ? this.starts() : []) kill(pid, 'SIGKILL');
  }
}

/** A process that has gone already is no fault. */
export function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Milliseconds until something holds, looked at every few of them; null when it does not within the limit. */
export async function within(limitMs: number, holds: () => boolean | Promise<boolean>): Promise<number | null> {
  const from = performance.now();
  while (!(await holds())) {
    if (performance.now() - from > limitMs) return null;
    await sleep(5);
  }
  return performance.now() - from;
}
