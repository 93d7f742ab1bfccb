/** Heartbeats for as long as something takes, so that a worker that dies over it is noticed. */
import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 1_000;

/** Heartbeats while `work` runs, and ends it early when the activity is cancelled. */
export async function whileBeating<Result>(work: () => Promise<Result>, intervalMs = HEARTBEAT_MS): Promise<Result> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), intervalMs);
  try {
    return await Promise.race([work(), context.cancelled]);
  } finally {
    clearInterval(beat);
  }
}
