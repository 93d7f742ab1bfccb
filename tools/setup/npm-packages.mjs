// @ts-check
// The npm packages: installed by `npm ci` when what is installed is not what the lock file says.
import fs from 'node:fs';
import path from 'node:path';
import { run } from '../shared/commands.mjs';

/** @typedef {{ packages?: Record<string, { version?: string, optional?: boolean }> }} LockFile */

/** @param {string} file @returns {LockFile} */
function readLock(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

/**
 * Whether node_modules holds what package-lock.json says. npm writes its own record of what it installed, last of all, so a broken
 * install has none. Optional packages may be absent: they are for other platforms.
 * @param {string} root
 */
export function npmPackagesAreCurrent(root) {
  const installed = readLock(path.join(root, 'node_modules/.package-lock.json')).packages;
  if (!installed) return false;
  const wanted = readLock(path.join(root, 'package-lock.json')).packages ?? {};
  return Object.entries(wanted).every(
    ([location, { version, optional }]) =>
      location === '' || installed[location]?.version === version || (optional && !installed[location]),
  );
}

/**
 * @param {{ root: string, logFile: string, onLine: (line: string) => void }} options
 * @returns {Promise<boolean>} whether anything was installed
 */
export async function installNpmPackages({ root, logFile, onLine }) {
  if (npmPackagesAreCurrent(root)) return false;
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=http'];
  await run('npm', args, { cwd: root, logFile, onLine, what: 'installing the npm packages' });
  return true;
}
