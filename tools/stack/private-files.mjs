// @ts-check
// What of a data folder is closed to other accounts of the machine: what users upload, and what jobs say of it. PostgreSQL minds its
// own folder, and must be able to reach it, so the data folder itself stays open.
import fs from 'node:fs';
import path from 'node:path';
import { messageOf, UserError } from '../shared/errors.mjs';

const FOLDERS = ['jobs', 'logs', 'reports', 's3', 's3-accounts', 'temporal', 'work'];

/** Temporal's file, and those that SQLite lays beside it. */
const TEMPORAL_FILE = /^temporal\.sqlite/;

/**
 * Makes the folders that are missing, and closes all that is there. Safe to repeat.
 * @param {string} dataDir an existing folder
 * @throws {UserError} where another account holds a part of it
 */
export function closePrivateFiles(dataDir) {
  for (const name of FOLDERS) {
    const folder = path.join(dataDir, name);
    close(folder, 0o700, () => fs.mkdirSync(folder, { recursive: true }));
  }
  for (const name of fs.readdirSync(dataDir)) if (TEMPORAL_FILE.test(name)) close(path.join(dataDir, name), 0o600);
}

/** @param {string} file @param {number} mode @param {() => void} [make] */
function close(file, mode, make) {
  try {
    make?.();
    fs.chmodSync(file, mode);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return; // SQLite took its journal away meanwhile.
    throw new UserError(
      `${file} cannot be closed to other accounts (${messageOf(error)}); ` +
        'make it yours, or set WLOPS_DATA_DIR to another folder',
    );
  }
}
