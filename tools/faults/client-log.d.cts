/** A request that is over: answered, or not (`status` null, and why). */
export interface Call {
  /** When it was sent, milliseconds since 1970. */
  at: number;
  user: number | null;
  method: string;
  route: string;
  /** Its Idempotency-Key. */
  key?: string | undefined;
  body?: unknown;
  status: number | null;
  reply?: unknown;
  error?: string | undefined;
}

/** Writes a request down that has just ended, without its secrets. Made for one process at a time. */
export function logCall(file: string, call: Call): void;
