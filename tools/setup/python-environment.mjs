// @ts-check
// The Python environment of the services: one folder in the cache for each content of the lock files, shared by clones. A marker written
// last says that it is whole; without it the folder is made anew. Not covered: system libraries, GPU drivers.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { capture, findOnPath, run } from '../shared/commands.mjs';
import { UserError } from '../shared/errors.mjs';
import { lock } from '../shared/lock.mjs';

const UV_REQUIREMENT = 'uv>=0.9,<1';
const READY_MARKER = '.wlops-ready';
const DEV_MARKER = '.wlops-dev-ready';
/** Seconds until a package index that does not answer counts as out of reach. */
const PROBE_TIMEOUT_SECONDS = '10';

/** @param {string[]} files @param {string} [extra] */
function hashFiles(files, extra = '') {
  const hash = createHash('sha256').update(extra);
  for (const file of files) hash.update(path.basename(file)).update('\0').update(fs.readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/**
 * Where an environment for these lock files lies and whether it is whole.
 * @param {{ cache: string, services: string, pythonVersion: string }} place `services`: the folder with the lock files
 */
export function pythonEnvironment({ cache, services, pythonVersion }) {
  const file = (/** @type {string} */ name) => path.join(services, name);
  const runtimeFiles = [file('requirements.lock'), file('requirements-torch.txt')];
  const [major, minor] = pythonVersion.split('.');
  const key = hashFiles(runtimeFiles, `${major}.${minor} ${process.platform} ${process.arch} compiled`);
  const directory = path.join(cache, 'python', key);
  const devHash = hashFiles([file('requirements-dev.lock')]);
  const marker = (/** @type {string} */ name) => {
    const location = path.join(directory, name);
    return fs.existsSync(location) ? fs.readFileSync(location, 'utf8') : undefined;
  };
  return {
    directory,
    python: path.join(directory, 'bin/python'),
    devHash,
    files: {
      lock: file('requirements.lock'),
      torch: file('requirements-torch.txt'),
      dev: file('requirements-dev.lock'),
    },
    isReady: () => marker(READY_MARKER) === key,
    hasDevTools: () => marker(DEV_MARKER) === devHash,
    markReady: () => fs.writeFileSync(path.join(directory, READY_MARKER), key),
    markDevTools: () => fs.writeFileSync(path.join(directory, DEV_MARKER), devHash),
  };
}

/** Whether an NVIDIA driver answers. */
async function hasGpu() {
  return (await capture('nvidia-smi', ['-L']))?.includes('GPU ') ?? false;
}

/**
 * A uv to install with: the one on PATH, or one put into the environment by pip.
 * @param {string} python
 * @param {NodeJS.ProcessEnv} env
 * @param {{ logFile: string, onLine: (line: string) => void }} output
 */
export async function findUv(python, env, output) {
  for (const uv of findOnPath('uv', env)) {
    const [, major = 0, minor = 0] = /^uv (\d+)\.(\d+)/.exec((await capture(uv, ['--version'], { env })) ?? '') ?? [];
    if (Number(major) === 0 && Number(minor) >= 9) return uv;
  }
  await run(python, ['-m', 'pip', 'install', '--quiet', UV_REQUIREMENT], { env, ...output, what: 'installing uv' });
  return path.join(path.dirname(python), 'uv');
}

/**
 * Installs PyTorch. The CPU build is a tenth of the size of the default one, but it comes from an index of its own, which is not in
 * reach everywhere; then the default build is taken, which runs on CPUs as well.
 * @param {(args: string[], env: NodeJS.ProcessEnv) => Promise<void>} install
 * @param {{ requirements: string, gpu: boolean, env: NodeJS.ProcessEnv, onLine: (line: string) => void }} options
 */
export async function installTorch(install, { requirements, gpu, env, onLine }) {
  if (!gpu) {
    try {
      await install(['--torch-backend=auto', '-r', requirements], { ...env, UV_HTTP_TIMEOUT: PROBE_TIMEOUT_SECONDS });
      return;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      onLine('the CPU build of PyTorch is out of reach; taking the default build');
    }
  }
  await install(['-r', requirements], env);
}

/**
 * Makes sure that the environment exists and is whole. Two clones that ask at once wait for each other.
 * @param {object} options
 * @param {string} options.cache
 * @param {string} options.services
 * @param {{ executable: string, version: string }} options.base the interpreter to make it from
 * @param {boolean} options.withDevTools also the tools of requirements-dev.lock
 * @param {string} options.logFile
 * @param {(line: string) => void} options.onLine
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<string>} the environment's interpreter
 */
export async function installPythonEnvironment(options) {
  const { cache, services, base, withDevTools, logFile, onLine, env = process.env } = options;
  const environment = pythonEnvironment({ cache, services, pythonVersion: base.version });
  const { directory, python, files } = environment;
  // The interpreter it was made from may have been upgraded away under it.
  const runs = async () => (await capture(python, ['--version'], { env })) !== undefined;
  const isReady = async () => environment.isReady() && (await runs());
  const isComplete = async () => (await isReady()) && (!withDevTools || environment.hasDevTools());
  if (await isComplete()) return python;

  const held = await lock(`${directory}.lock`, (holder) =>
    onLine(`waiting for process ${holder?.pid ?? ''}, which installs it`),
  );
  try {
    if (await isComplete()) return python;
    const output = { logFile, onLine };
    const whole = await isReady();
    if (!whole) {
      fs.rmSync(directory, { recursive: true, force: true });
      await run(base.executable, ['-m', 'venv', directory], { env, ...output, what: 'making the Python environment' });
    }
    const uv = await findUv(python, env, output);
    /** With its bytecode: importing PyTorch without takes three times as long. @param {string[]} args @param {NodeJS.ProcessEnv} [withEnv] */
    const install = (args, withEnv = env) =>
      run(uv, ['pip', 'install', '--compile-bytecode', '--python', python, ...args], {
        env: withEnv,
        ...output,
        what: 'installing Python packages',
      });
    if (!whole) {
      await installTorch(install, { requirements: files.torch, gpu: await hasGpu(), env, onLine });
      await install(['--require-hashes', '--no-deps', '-r', files.lock]);
      environment.markReady();
    }
    if (withDevTools) {
      await install(['--require-hashes', '--no-deps', '-r', files.dev]);
      environment.markDevTools();
    }
    return python;
  } finally {
    held.release();
  }
}
