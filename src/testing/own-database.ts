/** A database of its own, with the current tables, on the tests' server: for what looks at the rows of every task and not only at a test's own. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';

const ROOT = path.resolve(__dirname, '../..');

export interface OwnDatabase {
  url: string;
  /** Ends its connections. */
  drop(): Promise<void>;
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: process.env.WLOPS_TEST_DATABASE_URL });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** Without tables unless `migrated`. Drop it in `afterAll`. */
export async function createOwnDatabase({ migrated = true } = {}): Promise<OwnDatabase> {
  const name = `own_${randomBytes(6).toString('hex')}`;
  await administer(`CREATE DATABASE ${name}`);
  const url = new URL(process.env.WLOPS_TEST_DATABASE_URL ?? '');
  url.pathname = `/${name}`;
  if (migrated) {
    const env = { ...process.env, DATABASE_URL: url.toString() };
    await promisify(execFile)(process.execPath, ['tools/prisma/migrate.mjs'], { cwd: ROOT, env });
  }
  return { url: url.toString(), drop: () => administer(`DROP DATABASE ${name} WITH (FORCE)`) };
}
