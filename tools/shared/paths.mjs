// @ts-check
// Where things lie: the repository, the cache that clones share, and the data of one stack.
import os from 'node:os';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const PYTHON_SERVICES = path.join(ROOT, 'python-services');

/**
 * The folder of binaries and Python environments, shared by all clones of a user.
 * @param {NodeJS.ProcessEnv} env `WLOPS_CACHE_DIR` wins over the platform's own place
 * @param {{ platform?: string, home?: string }} [machine]
 */
export function cacheDirectory(env, { platform = process.platform, home = os.homedir() } = {}) {
  if (env.WLOPS_CACHE_DIR) return path.resolve(env.WLOPS_CACHE_DIR);
  if (env.XDG_CACHE_HOME) return path.join(env.XDG_CACHE_HOME, 'wlops');
  return path.join(home, platform === 'darwin' ? 'Library/Caches' : '.cache', 'wlops');
}

/** The folder of one stack's state, absolute. @param {NodeJS.ProcessEnv} env */
export const dataDirectory = (env) => path.resolve(ROOT, env.WLOPS_DATA_DIR || '.wlops');
