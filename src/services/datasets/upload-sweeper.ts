/**
 * Ends uploads that were left in the object store by a process that died, or by a clean-up that failed: their parts take space and
 * nobody sees them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../logger';
import type { ObjectStore } from '../../storage/object-store';
import type { Clock } from '../clock';

const SWEEP_EVERY_MS = 3_600_000;
/** Younger uploads may still be running, here or in another API process. */
const STALE_UPLOAD_MS = 24 * 3_600_000;

export interface UploadSweeperDeps {
  store: Pick<ObjectStore, 'sweepUploads'>;
  logger: Pick<Logger, 'info' | 'warn'>;
  clock: Clock;
  everyMs?: number;
}

/** Sweeps now and every hour until `ended`. Never rejects: a sweep that fails is logged, and the next one makes up for it. */
export async function sweepUploadsUntil(ended: AbortSignal, deps: UploadSweeperDeps): Promise<void> {
  const { store, logger, clock, everyMs = SWEEP_EVERY_MS } = deps;
  while (!ended.aborted) {
    try {
      const swept = await store.sweepUploads('datasets/', new Date(clock().getTime() - STALE_UPLOAD_MS));
      if (swept > 0) logger.info({ swept }, 'ended uploads that were left behind');
    } catch (error) {
      if (!ended.aborted) logger.warn({ err: error }, 'uploads that were left behind could not be ended');
    }
    await sleep(everyMs, undefined, { signal: ended }).catch(() => undefined);
  }
}
