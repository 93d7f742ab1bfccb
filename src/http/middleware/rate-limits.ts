/** Limits on guessing and on costly calls. Counters are kept in this process: each API process counts for itself. */
import { createHash } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { AppError } from '../../domain/errors';
import { normaliseEmail } from '../../services/accounts/account-service';
import type { RateLimit } from '../operation';
import { FailureLimit, limitFailures } from './failure-limit';

export interface RateLimitSettings {
  windowSeconds: number;
  /** Failed logins for one account from one address: a guesser locks out oneself, not the owner. */
  loginFailuresPerAccountAndAddress: number;
  /** Failed logins for one account, from wherever. */
  loginFailuresPerAccount: number;
  /** Failed logins from one address, for whatever account. */
  loginFailuresPerAddress: number;
  registrationsPerAddress: number;
  refreshFailuresPerAddress: number;
}

export const DEFAULT_RATE_LIMITS: RateLimitSettings = {
  windowSeconds: 900,
  loginFailuresPerAccountAndAddress: 10,
  loginFailuresPerAccount: 100,
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
  const failures = (limit: number, keyOf: (req: Request) => string): RequestHandler =>
    limitFailures(new FailureLimit(limit, settings.windowSeconds), keyOf);
  return {
    login: [
      failures(settings.loginFailuresPerAddress, address),
      failures(settings.loginFailuresPerAccount, account),
      failures(settings.loginFailuresPerAccountAndAddress, (req) => `${account(req)} ${address(req)}`),
    ],
    register: [
      rateLimit({
        windowMs: settings.windowSeconds * 1000,
        limit: settings.registrationsPerAddress,
        keyGenerator: address,
        standardHeaders: 'draft-8',
        legacyHeaders: false,
        handler: (_req, _res, next) =>
          next(
            new AppError('RATE_LIMITED', 'too many attempts; try again later', {
              retryAfterSeconds: settings.windowSeconds,
            }),
          ),
      }),
    ],
    refresh: [failures(settings.refreshFailuresPerAddress, address)],
  };
}
