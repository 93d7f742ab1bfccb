// @ts-check
// A real stack for fault tests: Temporal on PostgreSQL, and a proxy in every connection. Everything of it ends with `stop`.
import path from 'node:path';
import { UserError } from '../shared/errors.mjs';
import { ROOT } from '../shared/paths.mjs';
import { loadSecrets } from '../stack/secrets.mjs';
import { readStackSettings } from '../stack/settings.mjs';
import { Stack } from '../stack/stack.mjs';
import { LINKS, linkName } from './links.mjs';
import { toxiproxyProcess } from './toxiproxy.mjs';

/**
 * @typedef {object} FaultCluster
 * @property {string} dataDir
 * @property {string} api its address, straight
 * @property {{ adminEmail: string, adminPassword: string }} administrator
 * @property {import('./toxiproxy-client.cjs').ToxiproxyClient} proxies
 * @property {() => Promise<void>} stop
 * @property {() => Promise<void>} kill everything at once, as for a second Ctrl-C
 */

/**
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env with WLOPS_DATA_DIR and WLOPS_PORT_OFFSET; addresses of running servers are not welcome
 * @param {import('../setup/setup.mjs').Installation} options.installation with the fault tools
 * @param {(name: string, line: string) => void} options.print
 * @returns {Promise<FaultCluster>}
 */
export async function startFaultCluster({ env: given, installation, print }) {
  const { toxiproxy } = installation.servers;
  if (!toxiproxy || toxiproxy.origin === 'address')
    throw new UserError('there is no toxiproxy; set up with the fault tools');
  const env = { ...given, WLOPS_TEMPORAL_STORE: 'postgresql' };
  const settings = readStackSettings(env);
  const { dataDir, ports } = settings;
  const proxy = await toxiproxyProcess({
    program: toxiproxy.file,
    logFile: path.join(dataDir, 'logs', 'toxiproxy.log'),
    cwd: ROOT,
    links: LINKS.map((link) => ({ name: linkName(link), port: ports[link.to].port })),
  });
  const stack = new Stack({
    env,
    installation,
    print,
    proxies: [proxy.spec],
    route: (from, to, port) => proxy.ports[linkName({ from, to })] ?? port,
  });
  await stack.start();
  return {
    dataDir,
    api: stack.urls.api,
    administrator: loadSecrets(dataDir, env),
    proxies: proxy.client,
    stop: async () => {
      // A fault that lasts would keep the processes from ending as they should.
      await proxy.client.heal().catch(() => {});
      await stack.stop();
    },
    kill: () => stack.kill(),
  };
}
