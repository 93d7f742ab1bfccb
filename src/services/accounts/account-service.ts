/** Registration, login, refresh rotation, logout, and the check behind every authenticated request. */
import { randomUUID } from 'node:crypto';
import type { Caller } from '../../domain/access';
import { AppError } from '../../domain/errors';
import type { SessionRepository } from '../../repositories/sessions';
import type { UserRepository, UserRow } from '../../repositories/users';
import type { Clock } from '../clock';
import { checkPassword, hashPassword } from './passwords';
import { type AccessTokens, newRefreshToken, refreshTokenHash } from './tokens';

export interface TokenPair {
  accessToken: string;
  refreshToken: string;
  expiresInSeconds: number;
  user: UserRow;
}

export interface AccountDeps {
  users: UserRepository;
  sessions: SessionRepository;
  tokens: AccessTokens;
  refreshTokenSeconds: number;
  clock: Clock;
}

/** Addresses are compared without case and in one Unicode form. */
export function normaliseEmail(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase();
}

const unauthenticated = (message: string): AppError => new AppError('UNAUTHENTICATED', message);

export class AccountService {
  constructor(private readonly deps: AccountDeps) {}

  /** A new user with role USER. 409 when the address is taken. */
  async register(input: { email: string; password: string; displayName: string | null }): Promise<UserRow> {
    const user = await this.deps.users.create({
      email: normaliseEmail(input.email),
      displayName: input.displayName,
      passwordHash: await hashPassword(input.password),
      role: 'USER',
    });
    if (!user) throw new AppError('CONFLICT', 'an account with this e-mail address exists');
    return user;
  }

  /** Tokens of a new session. Unknown address, wrong password and disabled account answer alike and take the same time. */
  async login(email: string, password: string): Promise<TokenPair> {
    const user = await this.deps.users.findByEmail(normaliseEmail(email));
    const matches = await checkPassword(user?.passwordHash ?? null, password);
    if (!user || !matches || user.disabledAt) throw unauthenticated('e-mail address or password is wrong');
    const sessionId = randomUUID();
    const refreshToken = newRefreshToken();
    await this.deps.sessions.open(sessionId, user.id, refreshTokenHash(refreshToken), this.refreshExpiry());
    return this.pair(user, sessionId, refreshToken);
  }

  /** A new pair for a refresh token, which is spent by it. A spent one presented again ends the session. */
  async refresh(refreshToken: string): Promise<TokenPair> {
    const next = newRefreshToken();
    const rotation = await this.deps.sessions.rotate(
      refreshTokenHash(refreshToken),
      { tokenHash: refreshTokenHash(next), expiresAt: this.refreshExpiry() },
      this.deps.clock(),
    );
    if (rotation.outcome !== 'rotated') throw unauthenticated('the refresh token is not valid; log in again');
    return this.pair(rotation.user, rotation.sessionId, next);
  }

  /** Ends the session of the access token and the one of the refresh token, whichever is given. */
  async logout(accessToken: string | null, refreshToken: string | null): Promise<void> {
    const now = this.deps.clock();
    const caller = accessToken === null ? null : await this.authenticate(accessToken);
    if (caller) await this.deps.sessions.revoke(caller.sessionId, now);
    const known =
      refreshToken !== null && (await this.deps.sessions.revokeByToken(refreshTokenHash(refreshToken), now));
    if (!caller && !known) throw unauthenticated('a valid access token or refresh token is needed');
  }

  /** Who the token belongs to right now; null when it, its session or its user is no longer valid. */
  async authenticate(accessToken: string): Promise<Caller | null> {
    const claims = this.deps.tokens.verify(accessToken, this.deps.clock());
    if (!claims) return null;
    const session = await this.deps.sessions.find(claims.sessionId);
    if (!session || session.revokedAt || session.user.disabledAt) return null;
    const { user } = session;
    if (user.id !== claims.userId || user.tokenVersion !== claims.tokenVersion) return null;
    return { userId: user.id, email: user.email, role: user.role, sessionId: session.sessionId };
  }

  private refreshExpiry(): Date {
    return new Date(this.deps.clock().getTime() + this.deps.refreshTokenSeconds * 1000);
  }

  private pair(user: UserRow, sessionId: string, refreshToken: string): TokenPair {
    const claims = { userId: user.id, sessionId, tokenVersion: user.tokenVersion };
    const accessToken = this.deps.tokens.sign(claims, this.deps.clock());
    return { accessToken, refreshToken, expiresInSeconds: this.deps.tokens.lifetimeSeconds, user };
  }
}
