/** Gives each request an id, on its answer and on its log line. Headers and bodies are not logged. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { pinoHttp } from 'pino-http';
import { AppError } from '../../domain/errors';
import type { Logger } from '../../logger';

const OWN_ID = /^[\w-]{8,64}$/;

/** Takes over a client's `X-Request-Id` where it is a plain word, so that a call can be followed through proxies. */
function requestId(req: IncomingMessage, res: ServerResponse): string {
  const given = req.headers['x-request-id'];
  const id = typeof given === 'string' && OWN_ID.test(given) ? given : randomUUID();
  res.setHeader('X-Request-Id', id);
  return id;
}

/** Logs each request once it is answered: at `error` for our faults (5xx), at `info` otherwise. `/readyz` that answers 503 is no fault of ours. */
export function requestLog(logger: Logger): RequestHandler {
  return pinoHttp({
    logger,
    genReqId: requestId,
    wrapSerializers: false,
    customLogLevel: (req, res, error) => {
      if (req.url === '/readyz' && res.statusCode === 503) return 'info';
      const status = error instanceof AppError ? error.status : res.statusCode;
      return status >= 500 ? 'error' : 'info';
    },
    serializers: {
      req: (req: { id: unknown; method: string; url: string }) => ({ id: req.id, method: req.method, url: req.url }),
      res: (res: { statusCode: number }) => ({ statusCode: res.statusCode }),
      err: (error: Error) => {
        if (!(error instanceof AppError)) return { message: error.message, stack: error.stack };
        const { code, message, detail, cause } = error;
        const causeStack = cause instanceof Error ? cause.stack : undefined;
        return error.status >= 500 ? { code, message, detail, cause: causeStack } : { code, message, detail };
      },
    },
  });
}
