/** Answers of creating calls, by user and key. A row without a status is a call that is still being answered. */
import type { Db } from '../db';
import { Prisma } from '../generated/prisma/client';

export interface StoredAnswer {
  requestHash: string;
  status: number;
  body: unknown;
}

export type Claim = { outcome: 'claimed' } | { outcome: 'answered'; answer: StoredAnswer } | { outcome: 'in-progress' };

export class IdempotencyRepository {
  constructor(private readonly db: Db) {}

  /** Takes the key for a call. A claim made before `abandonedBefore` and never answered is taken over. */
  async claim(userId: number, key: string, now: Date, abandonedBefore: Date): Promise<Claim> {
    try {
      await this.db.idempotencyKey.create({ data: { userId, key, requestHash: '', createdAt: now } });
      return { outcome: 'claimed' };
    } catch (error) {
      if (!(error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002')) throw error;
    }
    const row = await this.db.idempotencyKey.findUnique({ where: { userId_key: { userId, key } } });
    if (row && row.status !== null) {
      return { outcome: 'answered', answer: { requestHash: row.requestHash, status: row.status, body: row.body } };
    }
    const taken = await this.db.idempotencyKey.updateMany({
      where: { userId, key, status: null, createdAt: { lt: abandonedBefore } },
      data: { createdAt: now },
    });
    return { outcome: taken.count === 1 ? 'claimed' : 'in-progress' };
  }

  async complete(userId: number, key: string, answer: StoredAnswer): Promise<void> {
    await this.db.idempotencyKey.update({
      where: { userId_key: { userId, key } },
      data: { requestHash: answer.requestHash, status: answer.status, body: answer.body as Prisma.InputJsonValue },
    });
  }

  /** Gives a claimed key back, so that the call can be tried again. */
  async release(userId: number, key: string): Promise<void> {
    await this.db.idempotencyKey.deleteMany({ where: { userId, key, status: null } });
  }
}
