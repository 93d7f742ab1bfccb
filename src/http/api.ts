/** Mounts operations: rate limit, authentication, role, body, validation, handler, in this order for every route. */
import express, { Router, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import type { Caller } from '../domain/access';
import { AppError, invalidField } from '../domain/errors';
import { mayUse, type Access } from '../policies/access';
import type { AccountService } from '../services/accounts/account-service';
import { fingerprintOf, orderedJson, type IdempotencyService } from '../services/idempotency';
import type { Handler, Keep, Operation, RateLimit, Reply } from './operation';
import { issueWording, refuseProtoKey } from './validation';

const MAX_JSON_BYTES = 256 * 1024;
const keepNothing: Keep = () => Promise.resolve();

export interface ApiDeps {
  accounts: AccountService;
  idempotency: IdempotencyService;
  /** False while the process waits for its stores; until then only its health is told. */
  isPrepared: () => boolean;
  rateLimits: Record<RateLimit, RequestHandler[]>;
}

/** The bearer token of a request; null when there is none. */
export function bearerToken(req: Request): string | null {
  return /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(req.headers.authorization ?? '')?.[1] ?? null;
}

/** A well-formed Idempotency-Key; null when there is none. */
export function idempotencyKey(req: Request): string | null {
  const key = req.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw invalidField('Idempotency-Key', 'must be 1 to 200 visible ASCII characters');
}

export class Api {
  readonly router = Router({ caseSensitive: true, strict: true });
  readonly operations: Operation[] = [];
  private readonly json = express.json({ limit: MAX_JSON_BYTES, reviver: refuseProtoKey, type: 'application/json' });

  constructor(private readonly deps: ApiDeps) {}

  /** Adds one route. The handler runs only for callers and input that its operation allows. */
  add<A extends Access, Params, Query, Body>(
    operation: Operation<A, Params, Query, Body>,
    handler: Handler<A, Params, Query, Body>,
  ): void {
    this.operations.push(operation);
    const path = operation.path.replace(/\{(\w+)\}/g, ':$1');
    const limits = operation.rateLimit ? this.deps.rateLimits[operation.rateLimit] : [];
    const body = operation.body ? [expectJson(operation.bodyOptional ?? false), this.json] : [];
    const answer = async (req: Request, res: Response): Promise<void> => {
      const context = {
        caller: (res.locals.caller ?? null) as A extends 'public' ? null : Caller,
        params: parse(operation.params, req.params),
        query: parse(operation.query, req.query),
        body: parse(operation.body, (req.body as unknown) ?? (operation.bodyOptional ? {} : undefined)),
        keep: keepNothing,
        req,
        res,
      };
      const reply =
        operation.idempotent && !operation.multipart
          ? await this.once(req, res, context.caller as Caller, (keep) => handler({ ...context, keep }))
          : await handler(context);
      send(res, reply);
    };
    const gate = operation.tag === 'health' ? [] : [this.gate];
    this.router[operation.method](path, ...gate, this.guard(operation.access), ...body, ...limits, answer);
  }

  /** Who sent the request, as of now: long answers ask again. Null when nobody is logged in with its token any more. */
  async callerOf(req: Request): Promise<Caller | null> {
    const token = bearerToken(req);
    return token === null ? null : this.deps.accounts.authenticate(token);
  }

  private readonly gate: RequestHandler = (_req, _res, next) => {
    if (!this.deps.isPrepared()) {
      throw new AppError('SERVICE_UNAVAILABLE', 'WLOps is starting and waits for its database or its object store', {
        retryAfterSeconds: 1,
      });
    }
    next();
  };

  /** Lets in who may use a route that asks for `access`. */
  private guard(access: Access): RequestHandler {
    return async (req: Request, res: Response, next: NextFunction): Promise<void> => {
      if (access !== 'public') {
        const caller = await this.callerOf(req);
        if (!caller) throw new AppError('UNAUTHENTICATED', 'a valid access token is needed');
        if (!mayUse(access, caller.role)) throw new AppError('FORBIDDEN', `the role ${caller.role} may not do this`);
        res.locals.caller = caller;
      }
      next();
    };
  }

  private async once(
    req: Request,
    res: Response,
    caller: Caller,
    carryOut: (keep: Keep) => Promise<Reply>,
  ): Promise<Reply> {
    const key = idempotencyKey(req);
    if (key === null) return carryOut(keepNothing);
    const fingerprint = fingerprintOf(req.method, req.path, orderedJson(req.body ?? null));
    const { replayed, ...answer } = await this.deps.idempotency.answer({
      userId: caller.userId,
      key,
      carryOut: async (keep) => {
        const reply = await carryOut((tx, { status, body }) => keep(tx, fingerprint, { status, body }));
        if (!reply) throw new Error('a call that takes an Idempotency-Key answers with JSON');
        return { status: reply.status, body: reply.body };
      },
      fingerprintOfRepeat: () => Promise.resolve(fingerprint),
    });
    if (replayed) res.set('Idempotency-Replayed', 'true');
    return answer;
  }
}

function parse<T>(schema: z.ZodType<T> | undefined, value: unknown): T {
  return schema ? schema.parse(value, { error: issueWording }) : (undefined as T);
}

function send(res: Response, reply: Reply): void {
  if (!reply) return;
  res.status(reply.status);
  if (reply.body === undefined) res.end();
  else res.json(reply.body);
}

/** Refuses bodies of another media type with a clear word instead of an empty object. */
function expectJson(optional: boolean): RequestHandler {
  return (req, _res, next) => {
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
    if (hasBody && !req.is('application/json')) {
      next(new AppError('UNSUPPORTED_MEDIA_TYPE', 'send the body as Content-Type: application/json'));
    } else if (!hasBody && !optional) {
      next(new AppError('VALIDATION_FAILED', 'a JSON body is needed'));
    } else {
      next();
    }
  };
}
