// @ts-check
// Everything a clone needs before the stack can start, side by side: npm packages and build, Python environment, server programs.
// Uses Node's own modules only, since it runs before anything is installed. A second call finds all in place and takes under a second.
import path from 'node:path';
import { build } from '../build.mjs';
import { obtainServers } from '../servers/obtain.mjs';
import { lock } from '../shared/lock.mjs';
import { cacheDirectory, PYTHON_SERVICES, ROOT } from '../shared/paths.mjs';
import { ProgressBoard } from '../shared/progress.mjs';
import { installNpmPackages } from './npm-packages.mjs';
import { findPython } from './prerequisites.mjs';
import { installPythonEnvironment } from './python-environment.mjs';

/**
 * @typedef {object} Installation
 * @property {string} python the interpreter of the services' environment
 * @property {import('../servers/obtain.mjs').Servers} servers where each server program is, or its given address
 */

/**
 * @param {{ env: NodeJS.ProcessEnv, withDevTools?: boolean, withFaultTools?: boolean }} options
 * @returns {Promise<Installation>}
 * @throws {import('../shared/errors.mjs').UserError} naming what is missing or failed, and what to do
 */
export async function setUp({ env, withDevTools = false, withFaultTools = false }) {
  const base = await findPython(env);
  const cache = cacheDirectory(env);
  const board = new ProgressBoard();
  const logFile = (/** @type {string} */ name) => path.join(cache, 'logs', `${name}.log`);

  const application = async () => {
    // Two stacks of one clone may be started at once; the second finds what the first has made.
    const held = await lock(path.join(ROOT, '.cache/setup.lock'), (holder) =>
      board.print(`  … process ${holder?.pid ?? ''} is setting up this clone; waiting for it`),
    );
    try {
      await board.step('npm packages', (onLine) => installNpmPackages({ root: ROOT, logFile: logFile('npm'), onLine }));
      await board.step('build', (onLine) => build({ logFile: logFile('build'), onLine }));
    } finally {
      held.release();
    }
  };
  const pythonEnvironment = () =>
    board.step('Python environment', (onLine) =>
      installPythonEnvironment({
        cache,
        services: PYTHON_SERVICES,
        base,
        withDevTools,
        logFile: logFile('python'),
        onLine,
        env,
      }),
    );
  // All are waited for, so that a failure of one does not leave the others running behind the message.
  const results = await Promise.allSettled([
    application(),
    pythonEnvironment(),
    obtainServers({ env, withFaultTools, cache, board, logFile }),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  const [, python, servers] = /** @type {[unknown, PromiseFulfilledResult<string>, PromiseFulfilledResult<any>]} */ (
    results
  );
  return { python: python.value, servers: servers.value };
}
