/**
 * Access tokens (signed, short-lived) and refresh tokens (random, stored as a hash). One algorithm, fixed here: what a token's
 * header asks for is never followed.
 */
import { createHash, randomBytes } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { z } from 'zod';

const ALGORITHM = 'HS256';
const ISSUER = 'wlops';
const AUDIENCE = 'wlops-api';
const TYPE = 'at+jwt';

const claimsSchema = z.object({
  sub: z.string().regex(/^[1-9]\d{0,9}$/),
  sid: z.uuid(),
  ver: z.number().int().min(0),
  exp: z.number(),
});

export interface AccessClaims {
  userId: number;
  sessionId: string;
  tokenVersion: number;
}

/** Signs and checks access tokens. */
export class AccessTokens {
  constructor(
    private readonly secret: string,
    readonly lifetimeSeconds: number,
  ) {}

  /** A token that is valid from `now` for `lifetimeSeconds`; `now` is cut to whole seconds. */
  sign({ userId, sessionId, tokenVersion }: AccessClaims, now: Date): string {
    const issuedAt = Math.floor(now.getTime() / 1000);
    return jwt.sign(
      { sid: sessionId, ver: tokenVersion, iat: issuedAt, exp: issuedAt + this.lifetimeSeconds },
      this.secret,
      {
        algorithm: ALGORITHM,
        issuer: ISSUER,
        audience: AUDIENCE,
        subject: String(userId),
        header: { alg: ALGORITHM, typ: TYPE },
      },
    );
  }

  /** The claims of a token of ours that is still valid at `now`; null for anything else. */
  verify(token: string, now: Date): AccessClaims | null {
    try {
      const { header, payload } = jwt.verify(token, this.secret, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        clockTimestamp: Math.floor(now.getTime() / 1000),
        complete: true,
      });
      if (header.typ !== TYPE) return null;
      const claims = claimsSchema.parse(payload);
      return { userId: Number(claims.sub), sessionId: claims.sid, tokenVersion: claims.ver };
    } catch {
      return null; // Every fault of a token answers alike.
    }
  }
}

/** 256 random bits for the client. */
export function newRefreshToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a refresh token. A plain hash is enough: the token cannot be guessed. */
export function refreshTokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** A token for one call to a Python service, as docs/job-protocol.md asks. */
export function signServiceToken(secret: string, service: 'optimizer' | 'trainer' | 'evaluator'): string {
  return jwt.sign({}, secret, { algorithm: ALGORITHM, issuer: ISSUER, audience: `wlops-${service}`, expiresIn: 60 });
}
