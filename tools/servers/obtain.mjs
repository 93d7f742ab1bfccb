// @ts-check
// Where each server program comes from, in this order: a running server's address, PATH, the cache, the official download, a build with
// Go. PostgreSQL is found in postgres-programs.mjs, since its fallback is an npm package.
import fs from 'node:fs';
import path from 'node:path';
import { capture, findOnPath, run } from '../shared/commands.mjs';
import { messageOf, UserError } from '../shared/errors.mjs';
import { lock } from '../shared/lock.mjs';
import { TEMPORAL, TEMPORAL_SERVER, TEMPORAL_SQL_TOOL, TOXIPROXY, VERSITYGW } from './catalog.mjs';
import { download } from './download.mjs';
import { goInstall } from './go-build.mjs';

const DOWNLOAD_SITE = 'https://github.com';

/**
 * @typedef {import('./catalog.mjs').ServerProgram} ServerProgram
 * @typedef {{ origin: 'address', address: string } | { origin: 'PATH' | 'cache' | 'download' | 'build', file: string }} Server
 *
 * @typedef {object} ObtainOptions
 * @property {NodeJS.ProcessEnv} env `WLOPS_DOWNLOAD_SITE` replaces the download site
 * @property {string} cache
 * @property {string} logFile
 * @property {(line: string) => void} onLine
 * @property {number} [connectTimeoutMs]
 * @property {string} [platform] such as `linux-x64`
 */

/** @param {ServerProgram} program @param {ObtainOptions} options */
async function findSuitableOnPath(program, { env, onLine }) {
  for (const file of findOnPath(program.name, env)) {
    const output = await capture(file, ['--version'], { env });
    const reason = output === undefined ? 'it does not run' : program.unsuitable(output);
    if (!reason) return file;
    onLine(`${file} is not used: ${reason}`);
  }
  return undefined;
}

/** @param {string} file @param {NodeJS.ProcessEnv} env */
async function mustRun(file, env) {
  if ((await capture(file, ['--version'], { env })) === undefined)
    throw new UserError(`${file} does not run on this machine`);
}

/**
 * @param {ServerProgram} program
 * @param {ObtainOptions} options
 * @param {string} directory an empty folder for the program
 */
async function fetchArchive(program, options, directory) {
  const { env, onLine, logFile, connectTimeoutMs, platform = `${process.platform}-${process.arch}` } = options;
  const archive = program.archives[platform];
  if (!archive) throw new UserError(`there is no official archive for ${platform}`);
  const site = (env.WLOPS_DOWNLOAD_SITE || DOWNLOAD_SITE).replace(/\/$/, '');
  const file = path.join(options.cache, 'downloads', path.basename(archive.path));
  await download({ url: `${site}${archive.path}`, sha256: archive.sha256, file, onLine, connectTimeoutMs });
  const unpacked = `${directory}.unpacked`;
  fs.mkdirSync(unpacked, { recursive: true });
  try {
    await run('tar', ['-xzf', file, '-C', unpacked], { logFile, what: `unpacking ${file}` });
    fs.renameSync(path.join(unpacked, archive.member), path.join(directory, program.name));
  } finally {
    fs.rmSync(unpacked, { recursive: true, force: true });
    fs.rmSync(file, { force: true });
  }
}

/**
 * Puts the program into the cache. The folder gets its name last, so a folder with the name is whole.
 * @param {ServerProgram} program
 * @param {ObtainOptions} options
 * @param {string} target the program's place in the cache
 * @returns {Promise<'download' | 'build'>}
 */
async function fillCache(program, options, target) {
  const directory = `${path.dirname(target)}.new`;
  const { goPackage, version, name } = program;
  const ways = /** @type {const} */ ([
    ['download', () => fetchArchive(program, options, directory)],
    ['build', () => goInstall({ goPackage, version, name, directory, ...options })],
  ]);
  const failures = [];
  for (const [way, work] of ways) {
    fs.rmSync(directory, { recursive: true, force: true });
    fs.mkdirSync(directory, { recursive: true });
    try {
      await work();
      await mustRun(path.join(directory, program.name), options.env);
      fs.renameSync(directory, path.dirname(target));
      return way;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failures.push(`  ${way}: ${messageOf(error)}`);
      options.onLine(`${way} failed`);
      fs.rmSync(directory, { recursive: true, force: true });
    }
  }
  throw new UserError(
    `${program.title} ${version} cannot be had:\n${failures.join('\n')}\n` +
      `Either ${program.installHint}, or install Go 1.25 or newer` +
      `${program.addressVariable ? `, or set ${program.addressVariable} to a running server` : ''}.`,
  );
}

/**
 * @param {ServerProgram} program
 * @param {ObtainOptions} options
 * @returns {Promise<Server>}
 * @throws {UserError} saying what was tried and exactly what to install
 */
export async function obtainServer(program, options) {
  const address = program.addressVariable && options.env[program.addressVariable];
  if (address) return { origin: 'address', address };
  const onPath = await findSuitableOnPath(program, options);
  if (onPath) return { origin: 'PATH', file: onPath };
  const folder = path.join(options.cache, 'bin', `${program.name}-${program.version}`);
  const file = path.join(folder, program.name);
  if (fs.existsSync(file)) return { origin: 'cache', file };
  const held = await lock(`${folder}.lock`, (holder) => options.onLine(`waiting for process ${holder?.pid ?? ''}`));
  try {
    if (fs.existsSync(file)) return { origin: 'cache', file };
    return { origin: await fillCache(program, options, file), file };
  } finally {
    held.release();
  }
}

/**
 * The servers of a stack, and those that this environment or the fault tests need besides.
 * @typedef {object} Servers
 * @property {Server} temporal the development server
 * @property {Server} s3
 * @property {Server} [temporalServer] the full one, for WLOPS_TEMPORAL_STORE=postgresql
 * @property {Server} [temporalSqlTool]
 * @property {Server} [toxiproxy] for the fault tests
 */

/** @param {NodeJS.ProcessEnv} env @param {boolean} withFaultTools @returns {Partial<Record<keyof Servers, ServerProgram>>} */
function neededPrograms(env, withFaultTools) {
  const full = withFaultTools || (env.WLOPS_TEMPORAL_STORE === 'postgresql' && !env.TEMPORAL_ADDRESS);
  return {
    temporal: TEMPORAL,
    s3: VERSITYGW,
    ...(full ? { temporalServer: TEMPORAL_SERVER, temporalSqlTool: TEMPORAL_SQL_TOOL } : {}),
    ...(withFaultTools ? { toxiproxy: TOXIPROXY } : {}),
  };
}

/**
 * All programs that are needed, side by side.
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {boolean} [options.withFaultTools]
 * @param {string} options.cache
 * @param {import('../shared/progress.mjs').ProgressBoard} options.board
 * @param {(name: string) => string} options.logFile
 * @returns {Promise<Servers>}
 */
export async function obtainServers({ env, withFaultTools = false, cache, board, logFile }) {
  const found = await Promise.all(
    Object.entries(neededPrograms(env, withFaultTools)).map(async ([key, program]) => [
      key,
      await board.step(program.title, (onLine) =>
        obtainServer(program, { env, cache, logFile: logFile(program.name), onLine }),
      ),
    ]),
  );
  return Object.fromEntries(found);
}
