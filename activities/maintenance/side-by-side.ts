/** Work on many things, some at a time, with a heartbeat for as long as it takes. */
import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 5_000;

/** Does `work` on each item, at most `atOnce` at a time. `work` must not throw: one item's trouble is not the others'. */
export async function sideBySide<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

/** Heartbeats while `work` runs, and ends it early when the activity is cancelled. */
export async function whileBeating<Result>(work: () => Promise<Result>): Promise<Result> {
  const context = Context.current();
  context.heartbeat();
  const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await Promise.race([work(), context.cancelled]);
  } finally {
    clearInterval(beat);
  }
}
