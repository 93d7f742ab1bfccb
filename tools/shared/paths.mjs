// @ts-check
// Where things lie: the repository, the cache that clones share, and the data of one stack.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { messageOf, UserError } from './errors.mjs';

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

/**
 * Makes the data folder and what is missing above it; safe to repeat. One folder after the other: Node's own recursive way never ends
 * in a file system that makes no folders and says that there are none, such as /proc.
 * @param {string} dataDir
 * @throws {UserError}
 */
export function makeDataDirectory(dataDir) {
  const missing = [];
  for (let folder = dataDir; !fs.existsSync(folder); folder = path.dirname(folder)) missing.unshift(folder);
  try {
    for (const folder of missing) makeFolder(folder);
    fs.accessSync(`${dataDir}/.`, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    throw new UserError(
      `${dataDir} cannot hold the stack's data (${messageOf(error)}); set WLOPS_DATA_DIR to a folder that can`,
    );
  }
}

/** Another start may have made it meanwhile. @param {string} folder */
function makeFolder(folder) {
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
