/** The one Prisma client of a process. Only repositories import what it offers; everyone else passes it on. */
import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from './generated/prisma/client';

export type Db = PrismaClient;

/** What a repository needs: the client, or the transaction it is part of. */
export type DbOrTransaction = Prisma.TransactionClient;

/** What else is written in the transaction that creates a row. When it fails, there is no row. */
export type Alongside<Row> = (tx: DbOrTransaction, row: Row) => Promise<void>;

/** A client on a pool of at most `maxConnections`; connects on the first query. End it with `$disconnect()`. */
export function createDb(databaseUrl: string, maxConnections = 10): Db {
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: databaseUrl, max: maxConnections }) });
}
