/**
 * Server-sent events of one task: first what the client has not seen (`Last-Event-ID`), then what is written from now on, until the
 * task has ended. A client that comes back for an ended task with nothing left gets 204, which tells browsers to stop trying.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { EventRow } from '../../repositories/task-history';

const HEARTBEAT_MS = 15_000;

export interface EventSourceOptions {
  /** Events after an id, and whether more can follow. */
  eventsAfter(id: bigint): Promise<{ events: EventRow[]; ended: boolean }>;
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

export async function streamEvents(req: Request, res: Response, options: EventSourceOptions): Promise<void> {
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
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const stop = AbortSignal.any([gone.signal, options.draining]);
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
