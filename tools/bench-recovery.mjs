// @ts-check
// `npm run bench:recovery`: a stack of its own with Temporal on PostgreSQL, in a folder that is removed, and the measurements of
// bench/recovery against it. Not covered: what is measured; that is bench/recovery/main.ts.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createDatabase } from './prisma/migrate.mjs';
import { installPeerEnvironment } from './setup/peer-environment.mjs';
import { messageOf } from './shared/errors.mjs';
import { cacheDirectory, ROOT } from './shared/paths.mjs';
import { pause } from './shared/wait.mjs';
import { databaseAddress } from './stack/postgres.mjs';
import { loadSecrets } from './stack/secrets.mjs';
import { openStack } from './stack/session.mjs';
import { readStackSettings } from './stack/settings.mjs';

/** Far from a stack that may run beside it. */
const PORT_OFFSET = '6000';
/** Each in an environment of its own, and on a database of its own on the stack's PostgreSQL. */
const PEERS = { dbos: ['dbos==3.4.0'], prefect: ['prefect==3.9.1', 'asyncpg'] };
/** The server reads its dynamic configuration this often. */
const CONFIGURATION_READ_MS = 12_000;

/**
 * Runs of a workflow that last less than a second are spaced to one a second; a loop without work would only measure that.
 * @param {string} dataDir
 */
async function letRunsFollowAtOnce(dataDir) {
  const file = path.join(dataDir, 'temporal', 'dynamic-config.yaml');
  const settings = JSON.parse(fs.readFileSync(file, 'utf8'));
  settings['history.workflowIdReuseMinimalInterval'] = [{ value: '0s' }];
  fs.writeFileSync(file, JSON.stringify(settings, null, 2));
  await pause(CONFIGURATION_READ_MS);
}

/**
 * The peers' interpreters and databases, for those measurements that are made beside them.
 * @param {{ env: NodeJS.ProcessEnv, installation: import('./setup/setup.mjs').Installation }} options
 * @returns {Promise<Record<string, { python: string, database: string } | { notMeasured: string }>>}
 */
async function preparePeers({ env, installation }) {
  const settings = readStackSettings(env);
  const server = { port: settings.ports.postgres.port, password: loadSecrets(settings.dataDir, env).postgresPassword };
  const cache = cacheDirectory(env);
  const logFile = path.join(cache, 'logs', 'bench-recovery.log');
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  /** @type {Awaited<ReturnType<typeof preparePeers>>} */
  const peers = {};
  for (const [name, requirements] of Object.entries(PEERS)) {
    try {
      const options = { cache, name, requirements, python: installation.python, logFile, env };
      const python = await installPeerEnvironment({ ...options, onLine: () => undefined });
      const database = databaseAddress(server, `bench_${name}`);
      await createDatabase(database);
      peers[name] = { python, database };
    } catch (error) {
      peers[name] = { notMeasured: messageOf(error).split(/ End of |\n/)[0] ?? '' };
    }
  }
  return peers;
}

/**
 * @param {{ env: NodeJS.ProcessEnv, installation: import('./setup/setup.mjs').Installation, args: string[] }} options
 * @returns {Promise<number>} exit code
 */
export async function benchRecovery({ env: given, installation, args }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-bench-'));
  fs.chmodSync(folder, 0o755); // the database server may run under another account
  const env = {
    ...given,
    WLOPS_DATA_DIR: path.join(folder, 'data'),
    WLOPS_PORT_OFFSET: given.WLOPS_PORT_OFFSET ?? PORT_OFFSET,
    WLOPS_TEMPORAL_STORE: 'postgresql',
  };
  /** @type {import('./stack/session.mjs').StackSession | undefined} */
  let session;
  try {
    session = await openStack({ env, installation, print: () => {} });
    await letRunsFollowAtOnce(session.dataDir);
    const withPeers = !args.includes('--only') || args.includes('peers');
    const benchEnv = {
      ...env,
      TEMPORAL_ADDRESS: `127.0.0.1:${readStackSettings(env).ports.temporal.port}`,
      WLOPS_BENCH_API: session.urls.api,
      WLOPS_BENCH_EMAIL: session.administrator.adminEmail,
      WLOPS_BENCH_PASSWORD: session.administrator.adminPassword,
      WLOPS_BENCH_PYTHON: installation.python,
      WLOPS_BENCH_PEERS: JSON.stringify(withPeers ? await preparePeers({ env, installation }) : {}),
    };
    const child = spawn(process.execPath, [path.join(ROOT, 'dist/bench/recovery/main.js'), ...args], {
      env: benchEnv,
      stdio: 'inherit',
    });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    await session?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
