/**
 * Server-sent events of one task: first what the client has not seen (`Last-Event-ID`), then what is written from now on, until the
 * task has ended or the client may no longer read it. A client that comes back for an ended task with nothing left gets 204, which
 * tells browsers to stop trying.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { EventRow } from '../../repositories/task-history';

const HEARTBEAT_MS = 15_000;

export interface EventBatch {
  events: EventRow[];
  ended: boolean;
}

export interface EventSourceOptions {
  /** Events after an id, and whether more can follow for this client. */
  eventsAfter(id: bigint): Promise<EventBatch>;
  present(event: EventRow): string;
  pollMs: number;
  /** Ends all streams when the process drains. */
  draining: AbortSignal;
}

/** The id of the last event the client has; 0 when it has none. */
export function lastEventId(req: Request): bigint {
  const given = req.headers['last-event-id'];
  if (typeof given !== 'string' || !/^\d{1,18}$/.test(given)) return 0n;
  return BigInt(given);
}

/** Aborted once the client has left, also when that was before the call: a closed response says so to nobody again. */
function clientLeft(res: Response): AbortSignal {
  const left = new AbortController();
  if (res.closed) left.abort();
  else res.once('close', () => left.abort());
  return left.signal;
}

/** Writes the events to `res` until there can be no more, the client has left, or the process drains. */
export async function streamEvents(req: Request, res: Response, options: EventSourceOptions): Promise<void> {
  const stop = AbortSignal.any([clientLeft(res), options.draining]);
  let seen = lastEventId(req);
  let batch = await options.eventsAfter(seen);
  if (batch.ended && batch.events.length === 0) {
    res.status(204).end();
    return;
  }
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  const heartbeat = setInterval(() => res.write(': still here\n\n'), HEARTBEAT_MS);
  try {
    res.write('retry: 2000\n\n');
    while (!stop.aborted) {
      for (const event of batch.events) {
        seen = event.id;
        if (!res.write(options.present(event))) await once(res, 'drain', { signal: stop });
      }
      if (batch.ended) break;
      await sleep(options.pollMs, undefined, { signal: stop });
      batch = await options.eventsAfter(seen);
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    clearInterval(heartbeat);
    res.end();
  }
}
