// Migrations against a real PostgreSQL, started the way the stack starts it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import os from 'node:os';
import pg from 'pg';
import { createDatabase, migrate } from '../../tools/prisma/migrate.mjs';
import { ManagedProcess } from '../../tools/stack/managed-process.mjs';
import { preparePostgres } from '../../tools/stack/postgres.mjs';
import { temporaryFolder } from './support.mjs';

const FIRST_PORT = 21800;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-migrate-'));
fs.chmodSync(folder, 0o755);
let server;
let address;
let databases = 0;

before(async () => {
  const port = FIRST_PORT + (process.pid % 100);
  const prepared = await preparePostgres({ dataDir: folder, port, password: 'only for tests', env: process.env });
  server = new ManagedProcess(
    {
      ...prepared,
      name: 'postgres',
      cwd: '/',
      port,
      logFile: path.join(folder, 'postgres.log'),
      readyTimeoutMs: 60_000,
      stopSignal: 'SIGINT',
      stopGraceMs: 5000,
    },
    { onLine: () => {}, onEvent: () => {}, onChange: () => {} },
  );
  await server.start();
  address = prepared.url;
});

after(async () => {
  await server?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A new database, and a folder of migrations. */
async function world(t, migrations) {
  const url = new URL(address);
  url.pathname = `/migrate_${databases++}`;
  await createDatabase(url.href);
  const directory = temporaryFolder(t);
  const write = (scripts) => {
    for (const [name, sql] of Object.entries(scripts)) {
      fs.mkdirSync(path.join(directory, name), { recursive: true });
      fs.writeFileSync(path.join(directory, name, 'migration.sql'), sql);
    }
  };
  write(migrations);
  const query = async (sql) => {
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  return { url: url.href, directory, write, query };
}

const ONE = 'CREATE TABLE one (id int);';

test('migrations apply in order, once, and are recorded with their checksum', async (t) => {
  const { url, directory, write, query } = await world(t, { '2_two': 'ALTER TABLE one ADD x int;', '1_one': ONE });
  assert.deepEqual(await migrate({ url, directory }), ['1_one', '2_two']);
  assert.deepEqual(await migrate({ url, directory }), []);
  write({ '3_three': 'ALTER TABLE one ADD y int;' });
  assert.deepEqual(await migrate({ url, directory }), ['3_three']);
  const rows = await query(
    'SELECT migration_name, applied_steps_count, length(checksum) AS length FROM _prisma_migrations ORDER BY 1',
  );
  assert.deepEqual(rows[0], { migration_name: '1_one', applied_steps_count: 1, length: 64 });
  assert.equal(rows.length, 3);
});

test('one that fails changes nothing, is told with the reason, and blocks the next call until it is resolved', async (t) => {
  const { url, directory, query } = await world(t, { '1_one': `${ONE} SELECT no_such_function();` });
  await assert.rejects(migrate({ url, directory }), /migration 1_one: function no_such_function\(\) does not exist/);
  assert.deepEqual(await query("SELECT 1 FROM pg_tables WHERE tablename = 'one'"), []);
  await assert.rejects(migrate({ url, directory }), /1_one failed earlier.*prisma migrate resolve/);
});

test('one that was edited after it was applied is refused', async (t) => {
  const { url, directory, write } = await world(t, { '1_one': ONE });
  await migrate({ url, directory });
  write({ '1_one': 'CREATE TABLE one (id bigint);' });
  await assert.rejects(migrate({ url, directory }), /1_one was edited after it was applied/);
});

test('three that migrate at once apply each migration once', async (t) => {
  const { url, directory } = await world(t, { '1_one': ONE, '2_two': 'SELECT pg_sleep(0.2);' });
  const applied = await Promise.all([1, 2, 3].map(() => migrate({ url, directory })));
  assert.deepEqual(applied.flat().sort(), ['1_one', '2_two']);
});

test('a database is made once, also when asked for twice', async () => {
  const url = new URL(address);
  url.pathname = '/made once';
  assert.equal(await createDatabase(url.href), true);
  assert.equal(await createDatabase(url.href), false);
});
