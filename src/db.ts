/** The one Prisma client of a process. Only repositories import what it offers; everyone else passes it on. */
import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from './generated/prisma/client';

export type Db = PrismaClient;

/** What a repository needs: the client, or the transaction it is part of. */
export type DbOrTransaction = Prisma.TransactionClient;

/** What else is written in the transaction that creates a row. When it fails, there is no row. */
export type Alongside<Row> = (tx: DbOrTransaction, row: Row) => Promise<void>;

export interface DbLimits {
  connections: number;
  /** Milliseconds for a connection, made anew or given back by another query. */
  connectMs: number;
  /** Milliseconds for an answer. Then the query has failed and its connection is given up. */
  queryMs: number;
}

/** A database whose machine is gone answers nothing, not even that: without limits everybody would wait for the kernel to give up. */
const LIMITS: DbLimits = { connections: 10, connectMs: 5_000, queryMs: 12_000 };

/** A client on a pool of connections; connects on the first query. End it with `$disconnect()`. */
export function createDb(databaseUrl: string, { connections, connectMs, queryMs }: DbLimits = LIMITS): Db {
  const adapter = new PrismaPg({
    connectionString: databaseUrl,
    max: connections,
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  return new PrismaClient({ adapter });
}
