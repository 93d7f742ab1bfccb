// @ts-check
// `npm start`: the stack in the foreground, until Ctrl-C.
import { Stack } from './stack.mjs';
import { stopOnSignal } from './signals.mjs';
import { prefixedPrinter } from './terminal.mjs';

/** @param {{ api: string, docs: string, temporalUi?: string }} urls @param {{ adminEmail: string, adminPassword?: string }} account */
export function readyLines(urls, { adminEmail, adminPassword }) {
  return [
    'WLOps is ready',
    `  API          ${urls.api}`,
    `  API docs     ${urls.docs}`,
    ...(urls.temporalUi ? [`  Temporal UI  ${urls.temporalUi}`] : []),
    ...(adminPassword
      ? [
          `  Administrator ${adminEmail}, password ${adminPassword} (shown once; kept in secrets.json of the data folder)`,
        ]
      : []),
  ];
}

/**
 * @param {{ env: NodeJS.ProcessEnv, installation: import('../setup/setup.mjs').Installation }} options
 * @returns {Promise<void>} settles when the stack was stopped by a signal
 */
export async function start({ env, installation }) {
  const print = prefixedPrinter(process.stdout);
  const stack = new Stack({ env, installation, print, printLog: print });
  const stopped = stopOnSignal(stack, (line) => print('wlops', line));
  const started = stack.start();
  const account = await Promise.race([started, stopped]);
  if (account) {
    console.log(readyLines(stack.urls, account).join('\n'));
    await stopped;
  } else await started.catch(() => {});
}
