/**
 * Limits on guessing and on costly calls. Counters are kept in this process: each API process counts for itself. Successful
 * logins are not counted, so nobody is locked out by their own use.
 */
import { createHash } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { AppError } from '../../domain/errors';
import { normaliseEmail } from '../../services/accounts/account-service';
import type { RateLimit } from '../operation';

export interface RateLimitSettings {
  windowSeconds: number;
  /** Failed logins for one account, from wherever. */
  loginFailuresPerAccount: number;
  loginFailuresPerAddress: number;
  registrationsPerAddress: number;
  refreshFailuresPerAddress: number;
}

export const DEFAULT_RATE_LIMITS: RateLimitSettings = {
  windowSeconds: 900,
  loginFailuresPerAccount: 10,
  loginFailuresPerAddress: 100,
  registrationsPerAddress: 300,
  refreshFailuresPerAddress: 100,
};

function address(req: Request): string {
  return ipKeyGenerator(req.ip ?? 'unknown');
}

/** The account a login is tried for, known or not. */
function account(req: Request): string {
  const { email } = (req.body ?? {}) as { email?: unknown };
  return createHash('sha256')
    .update(typeof email === 'string' ? normaliseEmail(email) : '')
    .digest('hex');
}

/** The limits of each kind, as middleware that runs after the body is read. */
export function createRateLimits(settings: RateLimitSettings): Record<RateLimit, RequestHandler[]> {
  const limit = (
    count: number,
    keyGenerator: (req: Request) => string,
    skipSuccessfulRequests: boolean,
  ): RequestHandler =>
    rateLimit({
      windowMs: settings.windowSeconds * 1000,
      limit: count,
      keyGenerator,
      skipSuccessfulRequests,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      validate: { singleCount: false },
      handler: (_req, _res, next) =>
        next(
          new AppError('RATE_LIMITED', 'too many attempts; try again later', {
            retryAfterSeconds: settings.windowSeconds,
          }),
        ),
    });
  return {
    login: [
      limit(settings.loginFailuresPerAddress, address, true),
      limit(settings.loginFailuresPerAccount, account, true),
    ],
    register: [limit(settings.registrationsPerAddress, address, false)],
    refresh: [limit(settings.refreshFailuresPerAddress, address, true)],
  };
}
