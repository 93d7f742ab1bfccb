// @ts-check
// toxiproxy: one server process with a proxy for each link. Not covered: the faults that are laid into them (toxiproxy-client.cjs).
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { UserError } from '../shared/errors.mjs';
import { endProcessTree } from '../shared/processes.mjs';
import { waitUntil } from '../shared/wait.mjs';
import { ToxiproxyClient } from './toxiproxy-client.cjs';

const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 10_000;
/** Below the ports that systems hand out for outgoing connections: a proxy that is switched off must get its port back. */
const PORTS = { first: 24_000, last: 31_000 };

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
