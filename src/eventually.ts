/** Waiting, at the start of a process, for what it needs. Servers may be up later than it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './logger';

/** Short: while a process waits for a server that is back, everybody waits for the process. */
const RETRY_MS = { first: 250, most: 1_000 };

/** What `attempt` answers, tried until it works; null once the process is told to end. Says what it waits for and why. */
export async function eventually<Result>(
  what: string,
  attempt: () => Promise<Result>,
  logger: Pick<Logger, 'warn'>,
  ended: AbortSignal,
): Promise<Result | null> {
  for (let waitMs = RETRY_MS.first; !ended.aborted; waitMs = Math.min(waitMs * 2, RETRY_MS.most)) {
    try {
      return await attempt();
    } catch (error) {
      logger.warn({ waitMs, reason: error instanceof Error ? error.message : String(error) }, `waiting for ${what}`);
      await sleep(waitMs, undefined, { signal: ended }).catch(() => undefined);
    }
  }
  return null;
}
