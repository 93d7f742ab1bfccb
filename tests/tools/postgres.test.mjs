// The embedded PostgreSQL where it is hard: started by root, with a data folder that only root can enter.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { freePort, temporaryFolder } from './support.mjs';
import { waitUntil } from '../../tools/shared/wait.mjs';
import { preparePostgres } from '../../tools/stack/postgres.mjs';
import { postgresPlace } from '../../tools/stack/postgres-place.mjs';

const asRoot = process.getuid?.() === 0;

test('runs from a data folder nobody else can enter, under a strict umask, as whoever starts it', async (t) => {
  const dataDir = path.join(temporaryFolder(t), 'data');
  fs.mkdirSync(dataDir, { mode: 0o700 });
  const { directory } = postgresPlace(dataDir);
  assert.equal(directory.startsWith(dataDir), !asRoot);
  t.after(() => fs.rmSync(path.dirname(directory), { recursive: true, force: true }));
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));

  const server = await preparePostgres({ dataDir, port: await freePort(), password: 'secret', env: process.env });
  assert.equal(fs.statSync(directory).mode & 0o777, 0o700);
  const child = spawn(server.command, server.args, { env: server.env, cwd: '/', stdio: 'ignore', ...server.runAs });
  t.after(() => child.kill('SIGKILL'));
  assert.equal(await waitUntil(server.isReady, { timeoutMs: 20_000 }), true);
  child.kill('SIGINT');
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
});
