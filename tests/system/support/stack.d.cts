import type { ChildProcess } from 'node:child_process';

export interface StartedStack {
  /** Its run.json. */
  run: object;
  child: ChildProcess;
  env: Record<string, string | undefined>;
  /** All it printed so far, the last 200,000 characters. */
  output(): string;
  /** Sends the signal, SIGINT by default, and answers with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

export const ROOT: string;
export function freePortOffset(): Promise<number>;
export function startStack(options: {
  dataDir: string;
  env?: Record<string, string>;
  command?: string;
}): Promise<StartedStack>;
