// @ts-check
// Finding and running programs: output goes to a log file, the last line to whoever shows progress, and a failure shows the log's tail.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { UserError } from './errors.mjs';
import { sendSignal } from './processes.mjs';
import { waitUntil } from './wait.mjs';

const TAIL_LINES = 25;
const END_GRACE_MS = 3000;

/** Leaders of the process groups of commands that run now. @type {Set<number>} */
const running = new Set();

/** @param {string} file */
function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Every program of this name on PATH, in PATH's order.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
export function findOnPath(name, env) {
  return (env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((directory) => path.join(directory, name))
    .filter(isExecutable);
}

/** @param {string} file @param {number} [lines] */
export function tailOfFile(file, lines = TAIL_LINES) {
  if (!fs.existsSync(file)) return '';
  return fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} logFile all output is appended here
 * @property {(line: string) => void} [onLine] called with every line of output
 * @property {string} [what] what failed, for the message; the command line otherwise
 */

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} options
 * @throws {UserError} with the end of the log when it cannot start or does not exit with 0
 */
export async function run(command, args, { cwd, env = process.env, logFile, onLine, what }) {
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  const log = fs.createWriteStream(logFile, { flags: 'a' });
  log.write(`$ ${[command, ...args].join(' ')}\n`);
  // A group of its own, so that all it starts can be ended with it.
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  if (child.pid) running.add(child.pid);
  for (const stream of [child.stdout, child.stderr]) {
    readline.createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      if (line.trim()) onLine?.(line.trim());
    });
  }
  const outcome = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `exit ${signal ?? code}`));
  });
  if (child.pid) running.delete(child.pid);
  await new Promise((resolve) => log.end(() => resolve(undefined)));
  if (outcome === undefined) return;
  throw new UserError(
    `${what ?? [command, ...args].join(' ')} failed (${outcome}). End of ${logFile}:\n${tailOfFile(logFile)}`,
  );
}

/** Ends every command that `run` has started, with all that they have started. */
export async function endRunningCommands() {
  const groups = [...running];
  for (const group of groups) sendSignal(-group, 'SIGTERM');
  await waitUntil(() => !groups.some((group) => running.has(group)), { timeoutMs: END_GRACE_MS });
  for (const group of groups) sendSignal(-group, 'SIGKILL');
}

/**
 * What a short command prints, or undefined when it is missing, fails or takes longer than `timeoutMs`.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, timeoutMs?: number }} [options]
 * @returns {Promise<string | undefined>} standard output and error together, trimmed
 */
export function capture(command, args, { env = process.env, cwd, timeoutMs = 15_000 } = {}) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', () => resolve(undefined));
    child.once('close', (code) => resolve(code === 0 ? output.trim() : undefined));
  });
}
