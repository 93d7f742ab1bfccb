// @ts-check
// `npm run faults`: a fault-test cluster in the foreground, until Ctrl-C. <data dir>/faults.json says where its proxies are.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopOnSignal } from '../stack/signals.mjs';
import { prefixedPrinter } from '../stack/terminal.mjs';
import { startFaultCluster } from './cluster.mjs';
import { LINKS, linkName } from './links.mjs';

/** Removed when the cluster ends. */
export const PROXIES_FILE = 'faults.json';

/** Lets tests set the clocks of the API and the worker. */
const CLOCK = fileURLToPath(new URL('clock.cjs', import.meta.url));

/**
 * @param {{ env: NodeJS.ProcessEnv, installation: import('../setup/setup.mjs').Installation }} options
 * @returns {Promise<void>} settles when it was stopped by a signal
 */
export async function serveFaultCluster({ env, installation }) {
  const print = prefixedPrinter(process.stdout);
  const NODE_OPTIONS = [env.NODE_OPTIONS, '--require', JSON.stringify(CLOCK)].filter(Boolean).join(' ');
  const starting = startFaultCluster({ env: { ...env, NODE_OPTIONS }, installation, print });
  // A signal that comes while it starts waits for the start, which takes seconds.
  const handle = {
    stop: () => starting.then((cluster) => cluster.stop()),
    kill: () => starting.then((cluster) => cluster.kill()),
  };
  const stopped = stopOnSignal(handle, (line) => print('wlops', line));
  const { dataDir, api, proxies } = await starting;
  const file = path.join(dataDir, PROXIES_FILE);
  fs.writeFileSync(file, JSON.stringify({ proxies: proxies.url, links: LINKS.map(linkName) }));
  console.log(`WLOps is ready\n  API      ${api}\n  Proxies  ${proxies.url} (toxiproxy)`);
  await stopped;
  fs.rmSync(file, { force: true });
}
