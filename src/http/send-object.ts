/** A stored object as an answer: streamed, never held. */
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { Response } from 'express';

/** What can be sent: bytes, and how many. */
export interface Sendable {
  body: Readable;
  size: number;
}

/** Sets length and, where the caller did not, privacy. Ends when all bytes are out or the client is gone. */
export async function sendObject(res: Response, { body, size }: Sendable): Promise<undefined> {
  res.status(200).set('Content-Length', String(size));
  if (!res.hasHeader('Cache-Control')) res.set('Cache-Control', 'private');
  try {
    await pipeline(body, res);
  } catch (error) {
    // Headers are out: all that is left is to break off, which the client sees by the length.
    if (!res.destroyed) throw error;
  }
  return undefined;
}
