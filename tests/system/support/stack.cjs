// Starts a stack of its own for tests: an empty data folder, ports that nobody uses, the real `start` command. Stops it as Ctrl-C does.
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');

const ROOT = path.resolve(__dirname, '../../..');
const READY_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 30_000;
/** Default ports of the stack; with the offsets below all stay under 32768, where systems take ports for outgoing connections. */
const DEFAULT_PORTS = [8080, 8002, 8003, 8004, 7233, 8233, 15432, 19000, 9464];
const OFFSETS = { first: 1000, last: 13_000, step: 10 };

/** @param {number} port */
function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** They would put the API on 10080, which fetch refuses. */
const REFUSED_OFFSETS = [2000];

/** An offset that makes all default ports free ones. */
async function freePortOffset() {
  const choices = (OFFSETS.last - OFFSETS.first) / OFFSETS.step;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const offset = OFFSETS.first + OFFSETS.step * Math.floor(Math.random() * choices);
    if (REFUSED_OFFSETS.includes(offset)) continue;
    const free = await Promise.all(DEFAULT_PORTS.map((port) => isFree(port + offset)));
    if (free.every(Boolean)) return offset;
  }
  throw new Error('no free ports for a stack');
}

/**
 * Starts a stack and waits until it says that it is ready.
 * @param {{ dataDir: string, env?: Record<string, string>, command?: string }} options `env` is added to the test's own; `command` of
 * tools/wlops.mjs, `start` by default
 * @typedef {object} RunningStack
 * @property {object} run its run.json
 * @property {() => string} output
 * @property {import('node:child_process').ChildProcess} child
 * @property {object} env
 * @property {(signal?: string) => Promise<number>} stop answers with the exit code
 *
 * @returns {Promise<RunningStack>}
 */
async function startStack({ dataDir, env: extra = {}, command = 'start' }) {
  const offset = extra.WLOPS_PORT_OFFSET ?? String(await freePortOffset());
  const env = { ...process.env, WLOPS_DATA_DIR: dataDir, WLOPS_PORT_OFFSET: offset, ...extra };
  const child = spawn(process.execPath, [path.join(ROOT, 'tools/wlops.mjs'), command], {
    env,
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const stop = async (signal = 'SIGINT') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  const ready = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('not ready in time')), READY_TIMEOUT_MS);
    for (const stream of [child.stdout, child.stderr]) {
      readline.createInterface({ input: stream }).on('line', (line) => {
        output = `${output}${line}\n`.slice(-200_000);
        if (line.startsWith('WLOps is ready')) resolve(clearTimeout(timer));
      });
    }
    exited.then((code) => reject(new Error(`ended with ${code}`), clearTimeout(timer)));
  });
  try {
    await ready;
  } catch (error) {
    await stop();
    throw new Error(`the stack did not start (${error.message}):\n${output.slice(-6000)}`);
  }
  const run = JSON.parse(fs.readFileSync(path.join(dataDir, 'run.json'), 'utf8'));
  return { run, child, env, stop, output: () => output };
}

module.exports = { freePortOffset, startStack, ROOT };
