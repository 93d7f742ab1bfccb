// @ts-check
// A stack to work with: the one that already runs on the data folder, or one started now.
import { loadSecrets } from './secrets.mjs';
import { runningStack } from './run-file.mjs';
import { readStackSettings } from './settings.mjs';
import { stopOnSignal } from './signals.mjs';
import { Stack } from './stack.mjs';

/**
 * @typedef {object} StackSession
 * @property {string} dataDir
 * @property {{ api: string, docs: string, temporalUi?: string }} urls
 * @property {{ adminEmail: string, adminPassword: string }} administrator
 * @property {boolean} startedHere
 * @property {() => boolean} isStopping whether the stack that was started here was told to stop
 * @property {Promise<void>} stoppedBySignal settles when Ctrl-C stopped the stack that was started here; never for another one
 * @property {() => Promise<void>} close stops the stack if it was started here
 */

/**
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {import('../setup/setup.mjs').Installation} options.installation
 * @param {(name: string, line: string) => void} options.print
 * @returns {Promise<StackSession>}
 */
export async function openStack({ env, installation, print }) {
  const { dataDir } = readStackSettings(env);
  const running = runningStack(dataDir);
  if (running?.ready) {
    print('wlops', `using the stack of process ${running.supervisor.pid} on ${dataDir}`);
    return {
      dataDir,
      urls: /** @type {StackSession['urls']} */ (/** @type {unknown} */ (running.urls)),
      administrator: loadSecrets(dataDir, env),
      startedHere: false,
      isStopping: () => false,
      stoppedBySignal: new Promise(() => {}),
      close: async () => {},
    };
  }
  const stack = new Stack({ env, installation, print });
  const stoppedBySignal = stopOnSignal(stack, (line) => print('wlops', line));
  await stack.start();
  const secrets = loadSecrets(dataDir, env);
  return {
    dataDir,
    urls: stack.urls,
    administrator: secrets,
    startedHere: true,
    isStopping: () => stack.isStopping,
    stoppedBySignal,
    close: () => stack.stop(),
  };
}
