/**
 * The HTTP edge of the error family: any fault becomes one JSON shape, once. What is not an `AppError` and not a client's
 * mistake answers 500 without any detail; the log has it.
 */
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { ZodError, type core } from 'zod';
import { AppError, notFound } from '../domain/errors';
import { storeFault } from './store-faults';

/** When a retry is worth it and the fault does not say how soon. */
const RETRY_AFTER_SECONDS = 5;

/** body-parser's faults by their `type`. */
const BODY_FAULTS: Record<string, (fault: { limit?: number }) => AppError> = {
  'entity.parse.failed': () => new AppError('MALFORMED_REQUEST', 'the body is not a valid JSON object'),
  'entity.too.large': ({ limit }) =>
    new AppError('PAYLOAD_TOO_LARGE', `the body is too large; at most ${limit} bytes are taken`),
  'encoding.unsupported': () => new AppError('UNSUPPORTED_MEDIA_TYPE', 'this content encoding is not supported'),
  'charset.unsupported': () => new AppError('UNSUPPORTED_MEDIA_TYPE', 'this character set is not supported; use UTF-8'),
  'request.aborted': () => new AppError('MALFORMED_REQUEST', 'the request ended early'),
  'request.size.invalid': () => new AppError('MALFORMED_REQUEST', 'Content-Length does not match the body'),
};

/** Turns anything that was thrown into an `AppError`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof ZodError) return fromIssues(error.issues);
  if (!(error instanceof Error)) return new AppError('INTERNAL', 'something went wrong on our side', { cause: error });
  const { type, status } = error as Error & { type?: unknown; status?: unknown };
  const fault = typeof type === 'string' ? BODY_FAULTS[type] : undefined;
  if (fault) return fault(error as { limit?: number });
  // Express and its parsers mark what the client did wrong, for example a path that cannot be decoded.
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new AppError('MALFORMED_REQUEST', 'the request cannot be read', { detail: error.message });
  }
  return storeFault(error) ?? new AppError('INTERNAL', 'something went wrong on our side', { cause: error });
}

const MAX_FIELDS_TOLD = 50;

function fromIssues(issues: core.$ZodIssue[]): AppError {
  const all = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: [...issue.path, key].join('.'), message: 'is not a known field' }))
      : [{ field: issue.path.join('.'), message: issue.message }],
  );
  // Of one field the last: a type's own limits come before those that were asked for. What is said of the whole stays.
  const fields = [...new Map(all.map((one, index) => [one.field || index, one])).values()];
  const first = fields[0];
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
  const message = first ? [first.field, first.message].filter(Boolean).join(': ') + more : 'the request is not valid';
  return new AppError('VALIDATION_FAILED', message, { details: { fields: fields.slice(0, MAX_FIELDS_TOLD) } });
}

/** Answers every fault of a route. */
export const errorEdge: ErrorRequestHandler = (thrown: unknown, req, res, next) => {
  const error = toAppError(thrown);
  res.err = error; // pino-http logs it with the request.
  if (res.headersSent) {
    next(thrown);
    return;
  }
  const wait = error.retryAfterSeconds ?? (error.retryable ? RETRY_AFTER_SECONDS : null);
  if (wait !== null) res.set('Retry-After', String(wait));
  if (error.status === 401) res.set('WWW-Authenticate', 'Bearer');
  // The rest of the body was not read: the connection cannot be used again.
  if (!req.complete) res.set('Connection', 'close');
  res.status(error.status).json({
    error: {
      code: error.code,
      message: error.message,
      requestId: req.id,
      ...(error.details && { details: error.details }),
    },
  });
};

export const unknownRoute: RequestHandler = (_req, _res, next) => next(notFound('route'));
