/**
 * Hands progress on, at most once an interval and one at a time. What it cannot hand on is logged and forgotten.
 *
 * Progress that stands still is handed on again now and then: a phase's row is written beside the job's start, and when it comes later
 * it shows the wait for a slot.
 */
import { log } from '@temporalio/activity';
import type { JobProgress } from '../src/contracts/jobs';

/** At the end of an activity a slow database is waited for this long. */
const MAX_SETTLE_MS = 2_000;

/** Intervals after which progress that stands still is handed on again. */
const REPEAT_AFTER_INTERVALS = 5;

export class ProgressWriter {
  private lastAt = -Infinity;
  private last = '';
  private inFlight: Promise<void> | null = null;

  constructor(
    private readonly write: (progress: JobProgress) => Promise<void>,
    private readonly intervalMs: number,
  ) {}

  /** Writes unless it is too soon, or nothing changed lately. */
  show(progress: JobProgress): void {
    if (performance.now() - this.lastAt >= this.intervalMs && !this.inFlight) this.now(progress);
  }

  /** Writes, however soon. */
  now(progress: JobProgress): void {
    const text = JSON.stringify(progress);
    const at = performance.now();
    if (text === this.last && at - this.lastAt < REPEAT_AFTER_INTERVALS * this.intervalMs) return;
    this.last = text;
    this.lastAt = at;
    const before = this.inFlight ?? Promise.resolve();
    const written: Promise<void> = before
      .then(() => this.write(progress))
      .catch((error: unknown) => {
        log.warn('progress could not be written', { error: String(error) });
      })
      .finally(() => {
        if (this.inFlight === written) this.inFlight = null;
      });
    this.inFlight = written;
  }

  /** Resolves when nothing is in flight, or after a short while. */
  async settled(): Promise<void> {
    if (!this.inFlight) return;
    let timer: NodeJS.Timeout | undefined;
    const waited = new Promise<void>((resolve) => (timer = setTimeout(resolve, MAX_SETTLE_MS)));
    await Promise.race([this.inFlight, waited]);
    clearTimeout(timer);
  }
}
