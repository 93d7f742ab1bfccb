// @ts-check
// `npm run bench:recovery`: a stack of its own with Temporal on PostgreSQL, in a folder that is removed, and the measurements of
// bench/recovery against it. Not covered: what is measured; that is bench/recovery/main.ts.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from './shared/paths.mjs';
import { pause } from './shared/wait.mjs';
import { openStack } from './stack/session.mjs';
import { readStackSettings } from './stack/settings.mjs';

/** Far from a stack that may run beside it. */
const PORT_OFFSET = '6000';
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
  const session = await openStack({ env, installation, print: () => {} });
  try {
    await letRunsFollowAtOnce(session.dataDir);
    const benchEnv = {
      ...env,
      TEMPORAL_ADDRESS: `127.0.0.1:${readStackSettings(env).ports.temporal.port}`,
      WLOPS_BENCH_API: session.urls.api,
      WLOPS_BENCH_EMAIL: session.administrator.adminEmail,
      WLOPS_BENCH_PASSWORD: session.administrator.adminPassword,
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
    await session.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
