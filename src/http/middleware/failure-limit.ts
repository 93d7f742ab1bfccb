/**
 * Bounds how often something may fail for one key within a window. Only failures count, so nobody is locked out by their own use.
 * Not covered: several processes; each counts for itself.
 */
import type { Request, RequestHandler } from 'express';
import { MemoryStore, type Options } from 'express-rate-limit';
import { AppError } from '../../domain/errors';

interface Attempts {
  /** Calls that are running or waiting; the entry goes with the last one. */
  present: number;
  running: number;
  waiting: (() => void)[];
}

export class FailureLimit {
  private readonly failures = new MemoryStore();
  private readonly attempts = new Map<string, Attempts>();

  constructor(
    private readonly limit: number,
    windowSeconds: number,
  ) {
    // Of the options the store reads this one alone.
    this.failures.init({ windowMs: windowSeconds * 1000 } as Options);
  }

  /**
   * Resolves when an attempt may be made, with what to call at its end. Attempts that could fail beyond the limit wait for the
   * ones before them: many that succeed at once all get through, many guesses at once do not. 429 once the limit is reached.
   */
  async enter(key: string): Promise<(failed: boolean) => Promise<void>> {
    const attempts = this.attempts.get(key) ?? { present: 0, running: 0, waiting: [] };
    this.attempts.set(key, attempts);
    attempts.present += 1;
    try {
      while ((await this.failuresOf(key)) + attempts.running >= this.limit) {
        await new Promise<void>((resolve) => attempts.waiting.push(resolve));
      }
    } catch (error) {
      this.forget(key, attempts);
      throw error;
    }
    attempts.running += 1;
    return async (failed) => {
      if (failed) await this.failures.increment(key);
      attempts.running -= 1;
      for (const wake of attempts.waiting.splice(0)) wake();
      this.forget(key, attempts);
    };
  }

  private forget(key: string, attempts: Attempts): void {
    attempts.present -= 1;
    if (attempts.present === 0) this.attempts.delete(key);
  }

  private async failuresOf(key: string): Promise<number> {
    const seen = await this.failures.get(key);
    const leftMs = (seen?.resetTime?.getTime() ?? 0) - Date.now();
    if (!seen || leftMs <= 0) return 0;
    if (seen.totalHits < this.limit) return seen.totalHits;
    throw new AppError('RATE_LIMITED', 'too many attempts; try again later', {
      retryAfterSeconds: Math.ceil(leftMs / 1000),
    });
  }
}

/** The limit as middleware. An answer with 401 is a failure, and so is an attempt whose client leaves before it has one. */
export function limitFailures(limit: FailureLimit, keyOf: (req: Request) => string): RequestHandler {
  return async (req, res, next) => {
    const leave = await limit.enter(keyOf(req));
    const settle = (): void => void leave(!res.writableFinished || res.statusCode === 401);
    if (res.closed) {
      settle();
      return;
    }
    res.once('close', settle);
    next();
  };
}
