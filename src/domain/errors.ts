/**
 * The one error family of the TypeScript side. An error keeps three things apart: a stable `code` for programs, a `message` for
 * the user, and a `detail` for the log only. Two edges translate it once each: HTTP (`src/http/errors.ts`) and Temporal
 * (`activities/failures.ts`). Not covered: errors of the Python services' jobs, which arrive as data (`JobError`).
 */

/** Stable code → HTTP status and whether the same request can succeed later. */
export const ERROR_CODES = {
  VALIDATION_FAILED: { status: 422, retryable: false },
  MALFORMED_REQUEST: { status: 400, retryable: false },
  UNAUTHENTICATED: { status: 401, retryable: false },
  FORBIDDEN: { status: 403, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  CONFLICT: { status: 409, retryable: false },
  ILLEGAL_TRANSITION: { status: 409, retryable: false },
  IDEMPOTENCY_KEY_REUSED: { status: 409, retryable: false },
  COLLECTED: { status: 410, retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false },
  MODEL_UNKNOWN: { status: 422, retryable: false },
  HYPERPARAMETER_INVALID: { status: 422, retryable: false },
  RATE_LIMITED: { status: 429, retryable: true },
  STORAGE_UNAVAILABLE: { status: 503, retryable: true },
  SERVICE_UNAVAILABLE: { status: 503, retryable: true },
  INTERNAL: { status: 500, retryable: false },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface AppErrorOptions {
  /** For the log only; never leaves the process. */
  detail?: string;
  /** For the user: which fields, which limits. */
  details?: Record<string, unknown>;
  retryAfterSeconds?: number;
  cause?: unknown;
}

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly detail: string | undefined;
  readonly details: Record<string, unknown> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.detail = options.detail;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** A transaction of which nobody knows whether it was carried out. What it would have named must stay: it may be named. */
export class CommitInDoubt extends Error {
  override readonly name = 'CommitInDoubt';

  constructor(override readonly cause: Error) {
    super(`the end of a transaction is in doubt: ${cause.message}`);
  }
}

/** A field that cannot be taken as it is. `more`: what would fit. */
export function invalidField(field: string, message: string, more: Record<string, unknown> = {}): AppError {
  return new AppError('VALIDATION_FAILED', `${field}: ${message}`, { details: { field, ...more } });
}

/** A thing that is not there, or is not the caller's: both answer alike. */
export function notFound(what: string): AppError {
  return new AppError('NOT_FOUND', `${what} not found`);
}
