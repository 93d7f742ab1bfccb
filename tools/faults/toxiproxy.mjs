// @ts-check
// toxiproxy: one server process with a proxy for each link. Not covered: the faults that are laid into them (toxiproxy-client.cjs).
import net from 'node:net';
import { UserError } from '../shared/errors.mjs';
import { ToxiproxyClient } from './toxiproxy-client.cjs';

const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 10_000;
const STOP_GRACE_MS = 2000;
/** Below the ports that systems hand out for outgoing connections: a proxy that is switched off must get its port back. */
const PORTS = { first: 24_000, last: 31_000 };

/** @param {number[]} [taken] @returns {Promise<number>} a port that nobody listens on, and none of those */
async function freePort(taken = []) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first));
    if (taken.includes(port)) continue;
    const free = await new Promise((resolve) => {
      const server = net.createServer();
      server.once('error', () => resolve(false));
      server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new UserError(`no free port between ${PORTS.first} and ${PORTS.last} for the proxies`);
}

/**
 * A server with one proxy for each link, as a process of the stack: it ends with the stack, and when it dies it comes back with its
 * proxies, at the same ports and whole.
 * @param {{ program: string, logFile: string, cwd: string, links: { name: string, port: number }[] }} options `port`: what the link leads to
 * @returns {Promise<{ spec: import('../stack/managed-process.mjs').ProcessSpec, client: ToxiproxyClient, ports: Record<string, number> }>}
 *   `ports`: where each link is entered
 */
export async function toxiproxyProcess({ program, logFile, cwd, links }) {
  const port = await freePort();
  const url = `http://${HOST}:${port}`;
  const client = new ToxiproxyClient(url);
  /** @type {Record<string, number>} */
  const ports = {};
  for (const { name } of links) ports[name] = await freePort([port, ...Object.values(ports)]);
  const proxies = links.map(({ name, port: target }) => ({
    name,
    listen: `${HOST}:${ports[name]}`,
    upstream: `${HOST}:${target}`,
  }));
  const isReady = async () => {
    if (!(await client.version().catch(() => undefined))) return false;
    await client.populate(proxies);
    return true;
  };
  const args = ['-host', HOST, '-port', String(port)];
  return {
    spec: {
      ...{ name: 'toxiproxy', command: program, args, env: process.env, cwd, port, url, logFile, isReady },
      ...{ readyTimeoutMs: READY_TIMEOUT_MS, stopSignal: 'SIGTERM', stopGraceMs: STOP_GRACE_MS },
    },
    client,
    ports,
  };
}
