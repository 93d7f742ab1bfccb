// @ts-check
// toxiproxy: one server process with a proxy for each link, and the faults that can be laid into them.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { UserError } from '../shared/errors.mjs';
import { endProcessTree } from '../shared/processes.mjs';
import { waitUntil } from '../shared/wait.mjs';

const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 10_000;
/** Below the ports that systems hand out for outgoing connections: a proxy that is switched off must get its port back. */
const PORTS = { first: 24_000, last: 31_000 };

/**
 * @typedef {'latency' | 'bandwidth' | 'slow_close' | 'timeout' | 'reset_peer' | 'slicer' | 'limit_data'} ToxicType
 * @typedef {object} Toxic
 * @property {ToxicType} type
 * @property {'upstream' | 'downstream'} [stream] upstream: what the caller sends; downstream, the default: what it is answered
 * @property {Record<string, number>} [attributes]
 */

/** @returns {Promise<number>} a port that nobody listens on */
async function freePort() {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first));
    const free = await new Promise((resolve) => {
      const server = net.createServer();
      server.once('error', () => resolve(false));
      server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new UserError(`no free port between ${PORTS.first} and ${PORTS.last} for the proxies`);
}

/** The HTTP side of a toxiproxy server, wherever it runs: what tests use to lay faults. */
export class ToxiproxyClient {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }

  /** @param {string} method @param {string} route @param {unknown} [body] */
  async #call(method, route, body) {
    const response = await fetch(`${this.url}${route}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`toxiproxy: ${method} ${route} answered ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** @returns {Promise<string>} */
  version() {
    return fetch(`${this.url}/version`).then((response) => response.text());
  }

  /** @param {{ name: string, listen: string, upstream: string }} proxy */
  addProxy(proxy) {
    return this.#call('POST', '/proxies', { ...proxy, enabled: true });
  }

  /** Lays a fault into a link. @param {string} link @param {Toxic} toxic */
  async add(link, { type, stream = 'downstream', attributes = {} }) {
    const name = `${type}_${stream}`;
    await this.#call('POST', `/proxies/${encodeURIComponent(link)}/toxics`, {
      name,
      type,
      stream,
      toxicity: 1,
      attributes,
    });
  }

  /** Cuts a link: connections end, new ones are refused. @param {string} link */
  async cut(link) {
    await this.#call('POST', `/proxies/${encodeURIComponent(link)}`, { enabled: false });
  }

  /** Nothing passes any more and nobody is told, as with a cable that is pulled. @param {string} link */
  async blackhole(link) {
    for (const stream of /** @type {const} */ (['upstream', 'downstream']))
      await this.add(link, { type: 'timeout', stream, attributes: { timeout: 0 } });
  }

  /** Every link is whole again. */
  async heal() {
    await this.#call('POST', '/reset');
  }
}

/**
 * Starts a server with one proxy for each link.
 * @param {{ program: string, logFile: string, links: { name: string, port: number }[] }} options `port`: what the link leads to
 */
export async function startToxiproxy({ program, logFile, links }) {
  const log = fs.openSync(logFile, 'a');
  const port = await freePort();
  const child = spawn(program, ['-host', HOST, '-port', String(port)], { stdio: ['ignore', log, log], detached: true });
  fs.closeSync(log);
  const exited = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const client = new ToxiproxyClient(`http://${HOST}:${port}`);
  const stop = async () => {
    if (child.pid) await endProcessTree(child.pid, { graceMs: 2000 });
    await exited;
  };
  /** @type {Record<string, number>} */
  const ports = {};
  try {
    const answers = () => client.version().catch(() => undefined);
    if (!(await waitUntil(answers, { timeoutMs: READY_TIMEOUT_MS })))
      throw new UserError(`toxiproxy does not answer; its log is ${logFile}`);
    for (const { name, port: target } of links) {
      const own = await freePort();
      await client.addProxy({ name, listen: `${HOST}:${own}`, upstream: `${HOST}:${target}` });
      ports[name] = own;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { client, ports, pid: child.pid, stop };
}
