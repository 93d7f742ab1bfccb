/** Is the database's schema the one this program was built for? Migrations are applied before, by the stack. */
import type { Db } from '../db';

/** Those of `expected` (folder names of `prisma/migrations`) that the database has not finished applying. */
export async function missingMigrations(db: Db, expected: readonly string[]): Promise<string[]> {
  const tables = await db.$queryRaw<{ name: string | null }[]>`SELECT to_regclass('_prisma_migrations')::text AS name`;
  if (!tables[0]?.name) return [...expected];
  const rows = await db.$queryRaw<{ migration_name: string }[]>`
    SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`;
  const applied = new Set(rows.map((row) => row.migration_name));
  return expected.filter((name) => !applied.has(name));
}

/** Resolves when the database answers a query; rejects with the driver's reason. */
export async function pingDatabase(db: Db): Promise<void> {
  await db.$queryRaw`SELECT 1`;
}
