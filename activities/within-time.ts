/**
 * Runs `work` with a signal that is aborted when `signal` is, or with a `TimeoutError` after `ms`. The timer is kept by the event loop:
 * the timer of a timeout signal that only `AbortSignal.any` refers to is lost to the garbage collector, and the wait never ends.
 */
export async function withinTime<Result>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new DOMException(`not within ${ms} ms`, 'TimeoutError')), ms);
  try {
    return await work(AbortSignal.any([signal, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}
