// @ts-check
// What must be on the machine before anything can be installed: Node and Python, in versions that work.
import fs from 'node:fs';
import { capture, findOnPath } from '../shared/commands.mjs';
import { UserError } from '../shared/errors.mjs';

const NODE_MINIMUM = [20, 19];
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64'];
const PYTHON_MINIMUM = [3, 11];
const PYTHON_BELOW = [3, 14];
const PYTHON_NAMES = ['python3.11', 'python3.12', 'python3.13', 'python3'];

/** @param {string} version @returns {[major: number, minor: number]} */
function majorMinor(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return [major, minor];
}

/** @param {number[]} left @param {number[]} right */
const isBelow = ([major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]) =>
  major < otherMajor || (major === otherMajor && minor < otherMinor);

/**
 * @param {string} [version]
 * @throws {UserError} when this Node is too old
 */
export function checkNode(version = process.version) {
  if (!isBelow(majorMinor(version), NODE_MINIMUM)) return;
  throw new UserError(
    `WLOps needs Node ${NODE_MINIMUM.join('.')} or newer; this is ${version}. Install Node 22 (https://nodejs.org) and run the command again.`,
  );
}

/**
 * Whether this machine can run WLOps at all. Runs before anything newer than Node 14 knows is loaded.
 * @param {{ version?: string, platform?: string, arch?: string }} [machine]
 * @throws {UserError} saying what it would take
 */
export function checkMachine({ version, platform = process.platform, arch = process.arch } = {}) {
  checkNode(version);
  if (PLATFORMS.includes(`${platform}-${arch}`)) return;
  throw new UserError(
    `WLOps runs on Linux (glibc; x64 or arm64) and on macOS with Apple silicon; this is ${platform}-${arch}. ` +
      'Intel Macs get no PyTorch packages any more; on Windows use WSL 2.',
  );
}

/** @param {NodeJS.Platform} platform */
const pythonHint = (platform) =>
  platform === 'darwin'
    ? 'brew install python@3.12'
    : 'apt-get install python3 python3-venv (Debian, Ubuntu) or dnf install python3.12 (Fedora)';

/**
 * The version of a working interpreter that has the venv module and pip to put into it.
 * @param {string} executable
 */
async function inspectPython(executable) {
  const script = 'import sys, venv, ensurepip; print(sys.version.split()[0])';
  const version = await capture(executable, ['-c', script]);
  if (version) return { version, hasVenv: true };
  const bare = await capture(executable, ['-c', 'import sys; print(sys.version.split()[0])']);
  return bare ? { version: bare, hasVenv: false } : undefined;
}

/**
 * Looks for a Python that can make the services' environment. `WLOPS_PYTHON` names one; otherwise PATH is searched.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ executable: string, version: string }>} `version` such as `3.11.9`
 * @throws {UserError} saying which ones were seen and what to install
 */
export async function findPython(env) {
  const named = env.WLOPS_PYTHON;
  const candidates = named ? [named] : PYTHON_NAMES.flatMap((name) => findOnPath(name, env));
  const refused = [];
  for (const executable of candidates) {
    const found = fs.existsSync(executable) ? await inspectPython(executable) : undefined;
    if (!found) continue;
    const version = majorMinor(found.version);
    if (isBelow(version, PYTHON_MINIMUM) || !isBelow(version, PYTHON_BELOW)) {
      refused.push(`${executable} is ${found.version}`);
    } else if (!found.hasVenv) refused.push(`${executable} (${found.version}) lacks the venv module`);
    else return { executable, version: found.version };
  }
  throw new UserError(
    `WLOps needs Python ${PYTHON_MINIMUM.join('.')} to 3.13 with the venv module; ` +
      `${refused.length ? refused.join('; ') : named ? `WLOPS_PYTHON=${named} does not run` : 'none was found on PATH'}. ` +
      `Install it, for instance: ${pythonHint(process.platform)}. WLOPS_PYTHON can name an interpreter.`,
  );
}
