// @ts-check
// `npm run test:faults [-- jest arguments]`: the fault tests, on a cluster that they start for themselves.
import { ROOT } from '../shared/paths.mjs';
import { endOnSignal, runStep } from '../test/run-tests.mjs';
import { testEnvironment } from '../test/test-environment.mjs';
import path from 'node:path';

/**
 * @param {{ env: NodeJS.ProcessEnv, installation: import('../setup/setup.mjs').Installation, args: string[] }} options
 * @returns {Promise<number>} exit code
 */
export async function runFaultTests({ env, installation, args }) {
  endOnSignal();
  const step = {
    name: 'faults',
    command: path.join(ROOT, 'node_modules/.bin/jest'),
    args: ['--config', 'jest.faults.config.cjs', '--runInBand', '--ci', ...args],
  };
  const { succeeded } = await runStep(step, await testEnvironment({ env, installation }), (text) =>
    process.stdout.write(text),
  );
  return succeeded ? 0 : 1;
}
