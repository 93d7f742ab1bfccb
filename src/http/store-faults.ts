/** Faults of the stores behind the API, told apart from our own: a later try may not meet them. */
import { AppError, CommitInDoubt } from '../domain/errors';

const RETRY_AFTER_SECONDS = 5;

/** PostgreSQL's codes of a server that starts, stops, lost the connection or has none left. Source: its manual, appendix A. */
const DATABASE_AWAY = /^(57P0[1-3]|08\w{3}|53300)$/;

/** Prisma's codes of a database that is out of reach or too slow, the system's of a connection that is, or that takes a descriptor more. */
const UNREACHABLE = [
  ...['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028'],
  ...['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EMFILE', 'ENFILE'],
];

/** What PostgreSQL's driver says, without any code, when a connection ends or has ended, or no word comes in time. */
const CONNECTION_LOST = [
  /^Connection terminated/,
  /^Client (has encountered a connection error|was closed) and is not queryable/,
  /^Query read timeout/,
  /^timeout exceeded when trying to connect/,
];

/** The answer to a fault of a store; null when the fault is none of theirs. */
export function storeFault(error: Error): AppError | null {
  if (error instanceof CommitInDoubt) return storeFault(error.cause);
  // Faults of the object store's client carry `$metadata`, those that it answered with and those where it was silent.
  if ((error as { $metadata?: unknown }).$metadata !== undefined) {
    return new AppError('STORAGE_UNAVAILABLE', 'the object store refuses or fails; try again', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause: error,
    });
  }
  if (!isUnreachable(error)) return null;
  return new AppError('SERVICE_UNAVAILABLE', 'a store that WLOps needs does not answer; try again', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause: error,
  });
}

function isUnreachable(error: Error): boolean {
  const codes = [error, error.cause].map((one) => (one as { code?: unknown } | undefined)?.code);
  return (
    codes.some((code) => typeof code === 'string' && UNREACHABLE.includes(code)) ||
    DATABASE_AWAY.test(databaseCode(error)) ||
    CONNECTION_LOST.some((words) => words.test(error.message))
  );
}

/** PostgreSQL's own code, which Prisma hands on beneath each of its own. */
function databaseCode(error: Error): string {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: { originalCode?: unknown } } } };
  const code = meta?.driverAdapterError?.cause?.originalCode;
  return typeof code === 'string' ? code : '';
}
