/**
 * Idempotency-Key: a creating call that is repeated with the same key and content gets the first answer again. Kept per user.
 * Failed calls give the key back; a call that takes hours keeps it. The answer is kept in the transaction that creates, so that a
 * process may die at any moment: either the repeat is answered, or nothing was created and within a minute the key is taken over.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { DbOrTransaction } from '../db';
import { AppError } from '../domain/errors';
import type { IdempotencyRepository, KeyClaim } from '../repositories/idempotency-keys';
import type { Clock } from './clock';

/** A client that tries again after the API died should not have to wait longer than people do. */
const ABANDONED_AFTER_MS = 45_000;
const TOUCH_EVERY_MS = 4_000;
/** Nobody repeats a call after that long. A user's old keys go with the next call that brings one. */
const KEPT_MS = 7 * 86_400_000;

export interface CreatedAnswer {
  status: number;
  body: unknown;
}

/** Keeps an answer for repeats. `fingerprint` stands for the content of the request. Throws where another call holds the key now. */
export type KeepAnswer = (tx: DbOrTransaction, fingerprint: string, answer: CreatedAnswer) => Promise<void>;

export interface IdempotentCall {
  userId: number;
  key: string;
  /** Carries the call out, and hands `keep` what it answers in the transaction that creates. */
  carryOut: (keep: KeepAnswer) => Promise<CreatedAnswer>;
  /** Reads the content of a repeat without carrying it out. */
  fingerprintOfRepeat: () => Promise<string>;
}

/** JSON of a value with the names of each object in order: bodies that say the same are the same. */
export function orderedJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** sha256 over the parts, which may hold any text. */
export function fingerprintOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

export class IdempotencyService {
  constructor(
    private readonly keys: IdempotencyRepository,
    private readonly clock: Clock,
    private readonly touchEveryMs = TOUCH_EVERY_MS,
  ) {}

  /** The answer of the call, or of the first one with its key. 409 when the key came with other content, or is in use now. */
  async answer(call: IdempotentCall): Promise<CreatedAnswer & { replayed: boolean }> {
    const now = this.clock();
    await this.keys.forget(call.userId, new Date(now.getTime() - KEPT_MS));
    const claim: KeyClaim = { userId: call.userId, key: call.key, claimToken: randomUUID() };
    const claimed = await this.keys.claim(claim, now, new Date(now.getTime() - ABANDONED_AFTER_MS));
    switch (claimed.outcome) {
      case 'in-progress':
        throw inProgress();
      case 'answered':
        if ((await call.fingerprintOfRepeat()) !== claimed.answer.requestHash) {
          throw new AppError(
            'IDEMPOTENCY_KEY_REUSED',
            'this Idempotency-Key was used for another request; choose a new one',
          );
        }
        return { ...claimed.answer, replayed: true };
      case 'claimed':
        return this.carryOut(claim, call);
    }
  }

  private async carryOut(claim: KeyClaim, call: IdempotentCall): Promise<CreatedAnswer & { replayed: boolean }> {
    const keep: KeepAnswer = async (tx, requestHash, answer) => {
      if (!(await this.keys.complete(tx, claim, { requestHash, ...answer }))) throw inProgress();
    };
    return { ...(await this.whileHolding(claim, () => call.carryOut(keep))), replayed: false };
  }

  private async whileHolding<Result>(claim: KeyClaim, work: () => Promise<Result>): Promise<Result> {
    // A touch that fails is made up for by the next; ten in a row are missing before the key is lost.
    const touch = (): void => void this.keys.touch(claim, this.clock()).catch(() => undefined);
    const timer = setInterval(touch, this.touchEveryMs).unref();
    try {
      return await work();
    } catch (error) {
      await this.keys.release(claim).catch(() => undefined); // Nobody touches it any more: it is taken over later.
      throw error;
    } finally {
      clearInterval(timer);
    }
  }
}

function inProgress(): AppError {
  return new AppError('CONFLICT', 'a call with this Idempotency-Key is still being answered', { retryAfterSeconds: 1 });
}
