// @ts-check
// Applies prisma/migrations/*/migration.sql with node-postgres alone and records them exactly as `prisma migrate deploy` does, so
// that both tools agree on what is applied. Needs neither the Prisma CLI nor its engine. Not covered: making migrations, rollback.
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

/** The advisory lock that Prisma's own engine takes, so that the two never apply at the same time. */
const MIGRATION_LOCK_ID = 72707369;

const CREATE_TABLE = `
CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         TIMESTAMPTZ,
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      TIMESTAMPTZ,
  started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

export class MigrationError extends Error {
  /** @override */
  name = 'MigrationError';
}

/**
 * @typedef {{ name: string, sql: string, checksum: string }} Migration
 */

/**
 * The migrations of a folder in the order they apply, each with the sha256 of its script.
 * @param {string} directory
 * @returns {Migration[]}
 */
export function readMigrations(directory) {
  return fs
    .readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const sql = fs.readFileSync(path.join(directory, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/**
 * Applies one migration. A script is one query and therefore one transaction: it applies whole or not at all.
 * @param {pg.Client} client
 * @param {Migration} migration
 */
async function apply(client, { name, sql, checksum }) {
  const id = randomUUID();
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    checksum,
    name,
  ]);
  try {
    await client.query(sql);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await client.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, message]);
    throw new MigrationError(`migration ${name}: ${message}`, { cause: error });
  }
  await client.query(
    'UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = applied_steps_count + 1 WHERE id = $1',
    [id],
  );
}

/**
 * Brings a database up to the newest migration of a folder. Safe to repeat and to run from several processes at once.
 * @param {{ url: string, directory: string }} options `url`: postgresql:// address of an existing database
 * @returns {Promise<string[]>} names of the migrations that this call applied
 * @throws {MigrationError} when one failed now or earlier, or was edited after it was applied
 */
export async function migrate({ url, directory }) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK_ID]);
    await client.query(CREATE_TABLE);
    const { rows } = await client.query(
      'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
    );
    const failed = rows.find((row) => row.finished_at === null);
    if (failed) {
      throw new MigrationError(
        `migration ${failed.migration_name} failed earlier; repair the database, then run: npx prisma migrate resolve`,
      );
    }
    const recorded = new Map(rows.map((row) => [row.migration_name, row.checksum]));
    const applied = [];
    for (const migration of readMigrations(directory)) {
      const checksum = recorded.get(migration.name);
      if (checksum === undefined) {
        await apply(client, migration);
        applied.push(migration.name);
      } else if (checksum !== migration.checksum) {
        throw new MigrationError(`migration ${migration.name} was edited after it was applied; add a new one instead`);
      }
    }
    return applied;
  } finally {
    await client.end();
  }
}

/**
 * Makes a database unless it exists. Safe to repeat and to run from several processes at once.
 * @param {string} url address of the database to be made
 * @returns {Promise<boolean>} whether this call made it
 */
export async function createDatabase(url) {
  const address = new URL(url);
  const name = decodeURIComponent(address.pathname.slice(1));
  address.pathname = '/postgres';
  const client = new pg.Client({ connectionString: address.toString(), connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const existing = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (existing.rowCount) return false;
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
    return true;
  } catch (error) {
    // 42P04: another process made it between the look and the making.
    if (error instanceof Error && 'code' in error && error.code === '42P04') return false;
    throw error;
  } finally {
    await client.end();
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const url = process.env.DATABASE_URL;
  if (!url) throw new MigrationError('DATABASE_URL is not set; give the postgresql:// address of the database');
  const applied = await migrate({ url, directory: path.join(import.meta.dirname, '../../prisma/migrations') });
  console.log(applied.length ? `applied ${applied.join(', ')}` : 'nothing to apply');
}
