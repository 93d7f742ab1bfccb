// @ts-check
// `npm run bench`: a stack of its own, and the measurements of bench/ against it. Not covered: what is measured; that is bench/main.ts.
import path from 'node:path';
import { spawn } from 'node:child_process';
import { ROOT } from './shared/paths.mjs';
import { databaseAddress } from './stack/postgres.mjs';
import { loadSecrets } from './stack/secrets.mjs';
import { openStack } from './stack/session.mjs';
import { readStackSettings } from './stack/settings.mjs';
import { prefixedPrinter } from './stack/terminal.mjs';

/**
 * @param {{ env: NodeJS.ProcessEnv, installation: import('./setup/setup.mjs').Installation, args: string[] }} options
 * @returns {Promise<number>} exit code
 */
export async function bench({ env, installation, args }) {
  const session = await openStack({ env, installation, print: prefixedPrinter(process.stdout) });
  try {
    const { given, ports } = readStackSettings(env);
    const password = loadSecrets(session.dataDir, env).postgresPassword;
    const benchEnv = {
      ...env,
      DATABASE_URL: given.postgres ?? databaseAddress({ port: ports.postgres.port, password }),
      TEMPORAL_ADDRESS: given.temporal ?? `127.0.0.1:${ports.temporal.port}`,
      WLOPS_DATA_DIR: session.dataDir,
      WLOPS_BENCH_API: session.urls.api,
      WLOPS_BENCH_PYTHON: installation.python,
    };
    const child = spawn(process.execPath, [path.join(ROOT, 'dist/bench/main.js'), ...args], {
      env: benchEnv,
      stdio: 'inherit',
    });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    await session.close();
  }
}
