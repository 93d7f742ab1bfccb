/** Logins and their refresh-token chains. Tokens are known here by their sha256 only. */
import type { Db } from '../db';
import type { User } from '../generated/prisma/client';

export interface SessionWithUser {
  sessionId: string;
  revokedAt: Date | null;
  user: User;
}

export type Rotation =
  | { outcome: 'rotated'; sessionId: string; user: User }
  /** The token had been spent before: the whole session is revoked now. */
  | { outcome: 'reused' }
  | { outcome: 'refused' };

export class SessionRepository {
  constructor(private readonly db: Db) {}

  /** A new login with its first refresh token. */
  async open(sessionId: string, userId: number, tokenHash: string, expiresAt: Date): Promise<void> {
    await this.db.session.create({
      data: { sessionId, userId, refreshTokens: { create: { tokenHash, expiresAt } } },
    });
  }

  /** A login with its user, also when it is revoked or the user disabled: the caller judges. Null when there is none. */
  find(sessionId: string): Promise<SessionWithUser | null> {
    return this.db.session.findUnique({ where: { sessionId }, include: { user: true } });
  }

  /**
   * Spends `tokenHash` and puts `next` in its place. Of two callers with the same token one rotates and the other is a reuse,
   * which ends the session: nobody can tell the thief from the owner.
   */
  async rotate(tokenHash: string, next: { tokenHash: string; expiresAt: Date }, now: Date): Promise<Rotation> {
    return this.db.$transaction(async (tx) => {
      const token = await tx.refreshToken.findUnique({
        where: { tokenHash },
        include: { session: { include: { user: true } } },
      });
      if (!token || token.session.revokedAt || token.session.user.disabledAt) return { outcome: 'refused' };
      const spent = await tx.refreshToken.updateMany({ where: { tokenHash, usedAt: null }, data: { usedAt: now } });
      if (spent.count === 0) {
        await tx.session.update({ where: { sessionId: token.sessionId }, data: { revokedAt: now } });
        return { outcome: 'reused' };
      }
      if (token.expiresAt <= now) return { outcome: 'refused' };
      await tx.refreshToken.create({ data: { ...next, sessionId: token.sessionId } });
      return { outcome: 'rotated', sessionId: token.sessionId, user: token.session.user };
    });
  }

  /** Ends one login; repeating it changes nothing. */
  async revoke(sessionId: string, now: Date): Promise<void> {
    await this.db.session.updateMany({ where: { sessionId, revokedAt: null }, data: { revokedAt: now } });
  }

  /** Ends the login a refresh token belongs to. False when the token is unknown. */
  async revokeByToken(tokenHash: string, now: Date): Promise<boolean> {
    const token = await this.db.refreshToken.findUnique({ where: { tokenHash } });
    if (!token) return false;
    await this.revoke(token.sessionId, now);
    return true;
  }
}
