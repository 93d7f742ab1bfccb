// @ts-check
// Environments of the projects that `npm run bench:ml` measures against: one folder in the cache for each list of requirements, so that
// their versions never meet ours. A marker written last says that it is whole. Not covered: what is measured with them.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { run } from '../shared/commands.mjs';
import { lock } from '../shared/lock.mjs';
import { findUv } from './python-environment.mjs';

const READY_MARKER = '.wlops-ready';

/**
 * Makes sure that the environment exists and is whole.
 * @param {object} options
 * @param {string} options.cache
 * @param {string} options.name of the peer
 * @param {string[]} options.requirements pinned
 * @param {string} options.python the services' interpreter, which it is made from
 * @param {string} options.logFile
 * @param {(line: string) => void} options.onLine
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<string>} its interpreter
 * @throws {import('../shared/errors.mjs').UserError} when it cannot be installed
 */
export async function installPeerEnvironment(options) {
  const { cache, name, requirements, python: base, logFile, onLine, env = process.env } = options;
  const key = createHash('sha256').update(requirements.join('\n')).digest('hex').slice(0, 16);
  const directory = path.join(cache, 'bench', `${name}-${key}`);
  const python = path.join(directory, 'bin/python');
  const marker = path.join(directory, READY_MARKER);
  if (fs.existsSync(marker)) return python;
  const held = await lock(`${directory}.lock`, (holder) => onLine(`waiting for process ${holder?.pid ?? ''}`));
  try {
    if (fs.existsSync(marker)) return python;
    const output = { logFile, onLine };
    fs.rmSync(directory, { recursive: true, force: true });
    await run(base, ['-m', 'venv', directory], { env, ...output, what: `making the environment of ${name}` });
    const uv = await findUv(base, env, output);
    await run(uv, ['pip', 'install', '--python', python, ...requirements], {
      env,
      ...output,
      what: `installing ${name}`,
    });
    fs.writeFileSync(marker, key);
    return python;
  } finally {
    held.release();
  }
}
