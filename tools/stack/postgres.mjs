// @ts-check
// The embedded PostgreSQL: its data folder (made on the first start) and how it is run. Loopback only, password required.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { findPostgresPrograms } from '../servers/postgres-programs.mjs';
import { messageOf, UserError } from '../shared/errors.mjs';
import { makeWalkable, postgresPlace, reachablePrograms } from './postgres-place.mjs';

export const SUPERUSER = 'postgres';
const DATABASE = 'wlops';

/** @param {string} directory */
function dataMajor(directory) {
  const file = path.join(directory, 'PG_VERSION');
  return fs.existsSync(file) ? Number.parseInt(fs.readFileSync(file, 'utf8'), 10) : undefined;
}

/**
 * Makes the data folder. It gets its name when it is whole, so one that was interrupted is made again.
 * @param {{ directory: string, password: string, bin: string, env: NodeJS.ProcessEnv, account?: { uid: number, gid: number } }} options
 */
async function initialise({ directory, password, bin, env, account }) {
  const fresh = `${directory}.new`;
  fs.rmSync(fresh, { recursive: true, force: true });
  makeWalkable(path.dirname(fresh));
  fs.mkdirSync(fresh, { mode: 0o700 });
  const passwordFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-initdb-'));
  const passwordFile = path.join(passwordFolder, 'password');
  fs.writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account) {
    for (const name of [fresh, passwordFolder, passwordFile]) fs.chownSync(name, account.uid, account.gid);
  }
  const args = [
    '-D',
    fresh,
    '-U',
    SUPERUSER,
    '--pwfile',
    passwordFile,
    '-A',
    'scram-sha-256',
    '-E',
    'UTF8',
    '--locale=C',
  ];
  try {
    await promisify(execFile)(path.join(bin, 'initdb'), args, { env, cwd: '/', ...account });
    fs.renameSync(fresh, directory);
  } catch (error) {
    const output = /** @type {{ stderr?: string }} */ (error).stderr ?? '';
    throw new UserError(`initdb could not make ${directory}: ${output.trim() || messageOf(error)}`);
  } finally {
    fs.rmSync(passwordFolder, { recursive: true, force: true });
  }
}

/** @param {string} url @returns {Promise<boolean>} */
export async function databaseAnswers(url) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * The address of a database of the embedded server, with its password: for programs, never for the terminal.
 * @param {{ port: number, password: string }} server
 * @param {string} [database]
 */
export const databaseAddress = ({ port, password }, database = DATABASE) =>
  `postgresql://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;

/**
 * How the embedded server is run; makes its data folder when there is none.
 * @param {{ dataDir: string, port: number, password: string, env: NodeJS.ProcessEnv }} options
 */
export async function preparePostgres({ dataDir, port, password, env }) {
  const { account, directory } = postgresPlace(dataDir);
  const found = await findPostgresPrograms({ env, dataMajor: dataMajor(directory) });
  const { bin, lib, major } = reachablePrograms(found, account);
  const ownEnv = { PATH: env.PATH, LC_ALL: 'C', TZ: 'UTC', ...(lib ? { LD_LIBRARY_PATH: lib } : {}) };
  if (dataMajor(directory) === undefined) await initialise({ directory, password, bin, env: ownEnv, account });
  return {
    major,
    url: databaseAddress({ port, password }),
    publicUrl: `postgresql://${SUPERUSER}@127.0.0.1:${port}/${DATABASE}`,
    command: path.join(bin, 'postgres'),
    args: ['-D', directory, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    env: ownEnv,
    runAs: account,
    isReady: () => databaseAnswers(databaseAddress({ port, password }, 'postgres')),
  };
}
