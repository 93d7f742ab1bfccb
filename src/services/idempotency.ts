/**
 * Idempotency-Key: a creating call that is repeated with the same key and content gets the first answer again. Kept per user.
 * Failed calls give the key back. Not covered: a process that dies between creating and answering; its key is taken over after
 * ten minutes and the call is carried out again.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../domain/errors';
import type { IdempotencyRepository } from '../repositories/idempotency-keys';
import type { Clock } from './clock';

const ABANDONED_AFTER_MS = 600_000;

export interface CreatedAnswer {
  status: number;
  body: unknown;
}

export interface IdempotentCall {
  userId: number;
  key: string;
  /** Carries the call out. `fingerprint` stands for the content of the request. */
  carryOut: () => Promise<{ fingerprint: string; answer: CreatedAnswer }>;
  /** Reads the content of a repeat without carrying it out. */
  fingerprintOfRepeat: () => Promise<string>;
}

/** sha256 over the parts, which may hold any text. */
export function fingerprintOf(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

export class IdempotencyService {
  constructor(
    private readonly keys: IdempotencyRepository,
    private readonly clock: Clock,
  ) {}

  /** The answer of the call, or of the first one with its key. 409 when the key came with other content, or is in use now. */
  async answer(call: IdempotentCall): Promise<CreatedAnswer & { replayed: boolean }> {
    const now = this.clock();
    const claim = await this.keys.claim(call.userId, call.key, now, new Date(now.getTime() - ABANDONED_AFTER_MS));
    switch (claim.outcome) {
      case 'in-progress':
        throw new AppError('CONFLICT', 'a call with this Idempotency-Key is still being answered', {
          retryAfterSeconds: 1,
        });
      case 'answered':
        if ((await call.fingerprintOfRepeat()) !== claim.answer.requestHash) {
          throw new AppError(
            'IDEMPOTENCY_KEY_REUSED',
            'this Idempotency-Key was used for another request; choose a new one',
          );
        }
        return { ...claim.answer, replayed: true };
      case 'claimed':
        return this.carryOut(call);
    }
  }

  private async carryOut({ userId, key, carryOut }: IdempotentCall): Promise<CreatedAnswer & { replayed: boolean }> {
    try {
      const { fingerprint, answer } = await carryOut();
      await this.keys.complete(userId, key, { requestHash: fingerprint, ...answer });
      return { ...answer, replayed: false };
    } catch (error) {
      await this.keys.release(userId, key);
      throw error;
    }
  }
}
