// @ts-check
// One child process of the stack: started in its own process group, logged, watched, started again when it dies, and ended with all
// that descends from it. When the supervisor itself is killed, the kernel tells the child (Linux) or the next start ends it.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { findOnPath, tailOfFile } from '../shared/commands.mjs';
import { UserError } from '../shared/errors.mjs';
import { endProcessTree, isAlive, processIdentity, processTree, sendSignal } from '../shared/processes.mjs';
import { pause, waitUntil } from '../shared/wait.mjs';

/** A single death costs next to nothing: what it held goes on when it is back. One death after the other is a fault of its own. */
const RESTART_DELAY_MS = { first: 100, longest: 15_000 };
/** A process that ran this long is healthy again: its next restart is quick. */
const HEALTHY_AFTER_MS = 10_000;
const KILL_TIMEOUT_MS = 2000;

/**
 * @typedef {object} ProcessSpec
 * @property {string} name
 * @property {string} command
 * @property {string[]} args
 * @property {NodeJS.ProcessEnv} env
 * @property {string} cwd
 * @property {number} port
 * @property {string} url without secrets
 * @property {string} logFile
 * @property {() => Promise<boolean>} isReady
 * @property {number} readyTimeoutMs
 * @property {NodeJS.Signals} stopSignal
 * @property {number} stopGraceMs until it is killed
 * @property {{ uid: number, gid: number }} [runAs]
 *
 * @typedef {object} ProcessEvents
 * @property {(line: string) => void} onLine each line of its output
 * @property {(message: string) => void} onEvent something the person at the terminal should know
 * @property {() => void} onChange its process id changed
 */

/** A setpriv that can tie a child's life to ours; busybox's cannot. */
function findSetpriv() {
  if (process.platform !== 'linux') return undefined;
  return findOnPath('setpriv', process.env).find((file) => {
    try {
      execFileSync(file, ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

/** @type {string | undefined | null} */
let setpriv = null;

/**
 * The command line that starts the process so that it gets its stop signal when the supervisor dies.
 * @param {ProcessSpec} spec
 */
function wrapped({ command, args, stopSignal, runAs }) {
  if (setpriv === null) setpriv = findSetpriv();
  if (!setpriv) return { command, args, ids: runAs ?? {} };
  const identity = runAs ? ['--reuid', String(runAs.uid), '--regid', String(runAs.gid), '--clear-groups'] : [];
  // The kernel forgets the death signal when the user changes, so setpriv must do both, in this order.
  const prefix = [...identity, '--pdeathsig', stopSignal.replace('SIG', ''), command];
  return { command: setpriv, args: [...prefix, ...args], ids: {} };
}

export class ManagedProcess {
  #events;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  #startedAt = 0;
  #quickDeaths = 0;
  #stopping = false;
  #reachedReady = false;
  #lastExit = '';

  /** @param {ProcessSpec} spec @param {ProcessEvents} events */
  constructor(spec, events) {
    this.spec = spec;
    this.#events = events;
  }

  get name() {
    return this.spec.name;
  }

  /** The process id, or null between a death and the restart. */
  get pid() {
    return this.#child?.pid ?? null;
  }

  /** @returns {import('./run-file.mjs').ProcessRecord} */
  get record() {
    const { port, url, logFile, stopSignal } = this.spec;
    const identity = this.pid === null ? undefined : processIdentity(this.pid);
    return { pid: this.pid, port, url, logFile, stopSignal, identity };
  }

  #launch() {
    const { env, cwd, logFile } = this.spec;
    const { command, args, ids } = wrapped(this.spec);
    fs.mkdirSync(path.dirname(logFile), { recursive: true });
    const log = fs.createWriteStream(logFile, { flags: 'a' });
    log.on('error', (error) => this.#events.onEvent(`cannot write ${logFile}: ${error.message}`));
    const child = spawn(command, args, { env, cwd, ...ids, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    this.#startedAt = Date.now();
    for (const stream of [child.stdout, child.stderr]) {
      readline.createInterface({ input: stream }).on('line', (line) => {
        log.write(`${line}\n`);
        this.#events.onLine(line);
      });
    }
    child.once('error', (error) => this.#ended(child, error.message));
    child.once('exit', (code, signal) => this.#ended(child, signal ?? `exit code ${code}`));
    child.once('close', () => log.end());
    this.#events.onChange();
  }

  /** @param {import('node:child_process').ChildProcess} child @param {string} how */
  #ended(child, how) {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#lastExit = how;
    this.#events.onChange();
    // A first start that fails is the caller's to report; restarts are for what once worked.
    if (this.#stopping || !this.#reachedReady) return;
    if (Date.now() - this.#startedAt > HEALTHY_AFTER_MS) this.#quickDeaths = 0;
    const delayMs = Math.min(RESTART_DELAY_MS.first * 2 ** this.#quickDeaths, RESTART_DELAY_MS.longest);
    this.#quickDeaths += 1;
    this.#events.onEvent(`ended (${how}); starting it again in ${delayMs / 1000} s`);
    void pause(delayMs).then(() => {
      if (this.#stopping) return;
      this.#launch();
      void this.#tellReady(this.#child);
    });
  }

  /**
   * Starts the process and waits until it answers.
   * @throws {UserError} with the end of its log when it dies or does not answer in time
   */
  async start() {
    this.#launch();
    const { readyTimeoutMs, logFile, name } = this.spec;
    const outcome = await waitUntil(
      async () => {
        if (!this.#child || this.#stopping) return 'ended';
        return (await this.spec.isReady()) && 'ready';
      },
      { timeoutMs: readyTimeoutMs, intervalMs: 100 },
    );
    if (this.#stopping) return;
    if (outcome !== 'ready') {
      const reason = outcome ? `ended (${this.#lastExit})` : `did not become ready in ${readyTimeoutMs / 1000} s`;
      throw new UserError(`${name} ${reason}. End of ${logFile}:\n${tailOfFile(logFile)}`);
    }
    this.#reachedReady = true;
  }

  /** Says when a restarted process answers again, unless it ended before. @param {import('node:child_process').ChildProcess | undefined} child */
  async #tellReady(child) {
    const gone = () => this.#stopping || this.#child !== child;
    const ready = await waitUntil(async () => gone() || (await this.spec.isReady()), {
      timeoutMs: this.spec.readyTimeoutMs,
      intervalMs: 250,
    });
    if (ready && !gone()) this.#events.onEvent('ready again');
  }

  /** Ends the process and all that descends from it. Safe to repeat. @param {number} [graceMs] */
  async stop(graceMs = this.spec.stopGraceMs) {
    this.#stopping = true;
    if (this.pid !== null) await endProcessTree(this.pid, { signal: this.spec.stopSignal, graceMs });
  }

  /** Kills the process and all that descends from it, now, and waits until it is gone. */
  async kill() {
    this.#stopping = true;
    const { pid } = this;
    if (pid === null) return;
    for (const member of processTree(pid)) sendSignal(member, 'SIGKILL');
    await waitUntil(() => !isAlive(pid), { timeoutMs: KILL_TIMEOUT_MS, intervalMs: 10 });
  }
}
