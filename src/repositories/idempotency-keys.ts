/** Answers of creating calls, by user and key. A row without a status is a call that is still being answered. */
import type { Db, DbOrTransaction } from '../db';
import { Prisma } from '../generated/prisma/client';

export interface StoredAnswer {
  requestHash: string;
  status: number;
  body: unknown;
}

/** One call's hold on a key. */
export interface KeyClaim {
  userId: number;
  key: string;
  /** Of this call alone. */
  claimToken: string;
}

export type ClaimOutcome =
  { outcome: 'claimed' } | { outcome: 'answered'; answer: StoredAnswer } | { outcome: 'in-progress' };

export class IdempotencyRepository {
  constructor(private readonly db: Db) {}

  /** Takes the key for a call. A claim that was last touched before `abandonedBefore` and never answered is taken over. */
  async claim(claim: KeyClaim, now: Date, abandonedBefore: Date): Promise<ClaimOutcome> {
    const { userId, key, claimToken } = claim;
    try {
      await this.db.idempotencyKey.create({ data: { ...claim, requestHash: '', createdAt: now, touchedAt: now } });
      return { outcome: 'claimed' };
    } catch (error) {
      if (!(error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002')) throw error;
    }
    const row = await this.db.idempotencyKey.findUnique({ where: { userId_key: { userId, key } } });
    if (row && row.status !== null) {
      return { outcome: 'answered', answer: { requestHash: row.requestHash, status: row.status, body: row.body } };
    }
    const taken = await this.db.idempotencyKey.updateMany({
      where: { userId, key, status: null, touchedAt: { lt: abandonedBefore } },
      data: { claimToken, touchedAt: now },
    });
    return { outcome: taken.count === 1 ? 'claimed' : 'in-progress' };
  }

  /** Forgets a user's keys that were last touched before this. */
  async forget(userId: number, before: Date): Promise<void> {
    await this.db.idempotencyKey.deleteMany({ where: { userId, touchedAt: { lt: before } } });
  }

  /** Says that the call is still at work. Changes nothing once the claim is another's. */
  async touch(claim: KeyClaim, now: Date): Promise<void> {
    await this.db.idempotencyKey.updateMany({ where: { ...claim, status: null }, data: { touchedAt: now } });
  }

  /** Keeps the answer. False when the claim was taken over: its new holder answers. */
  async complete(tx: DbOrTransaction, claim: KeyClaim, { requestHash, status, body }: StoredAnswer): Promise<boolean> {
    const { count } = await tx.idempotencyKey.updateMany({
      where: { ...claim, status: null },
      data: { requestHash, status, body: body as Prisma.InputJsonValue },
    });
    return count === 1;
  }

  /** Gives a claimed key back, so that the call can be tried again. Changes nothing when the claim was taken over. */
  async release(claim: KeyClaim): Promise<void> {
    await this.db.idempotencyKey.deleteMany({ where: { ...claim, status: null } });
  }
}
