// @ts-check
// Are the ports free? Asked for all of them before anything starts, so that a taken one is one clear message and not a crash later.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { UserError } from '../shared/errors.mjs';
import { commandOf } from '../shared/processes.mjs';

const HOST = '127.0.0.1';

/** Whether somebody accepts connections, also one who listens on every interface. @param {number} port @returns {Promise<boolean>} */
function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: HOST, timeout: 1000 });
    const done = (/** @type {boolean} */ result) => {
      socket.destroy();
      resolve(result);
    };
    socket
      .once('connect', () => done(true))
      .once('error', () => done(false))
      .once('timeout', () => done(false));
  });
}

/** @param {number} port @returns {Promise<boolean>} */
function canListen(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The ids of sockets that listen on a port, from the kernel's table. @param {number} port */
function listeningInodes(port) {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const LISTEN = '0A';
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .filter((file) => fs.existsSync(file))
    .flatMap((file) => fs.readFileSync(file, 'utf8').trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${wanted}`) && fields[3] === LISTEN)
    .map((fields) => fields[9]);
}

/** @param {number} port */
function holderOnLinux(port) {
  const links = new Set(listeningInodes(port).map((inode) => `socket:[${inode}]`));
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const descriptors = fs.readdirSync(`/proc/${pid}/fd`);
      if (!descriptors.some((fd) => links.has(fs.readlinkSync(`/proc/${pid}/fd/${fd}`)))) continue;
      return `process ${pid} (${commandOf(Number(pid)).slice(0, 100)})`;
    } catch {
      // Gone meanwhile, or not ours to look into.
    }
  }
  return undefined;
}

/** @param {number} port */
function holderByLsof(port) {
  try {
    const output = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], { encoding: 'utf8' });
    const pid = /^p(\d+)/m.exec(output)?.[1];
    return pid && `process ${pid} (${/^c(.*)/m.exec(output)?.[1] ?? 'unknown'})`;
  } catch {
    return undefined;
  }
}

/** Who listens on a port, as far as this user may know. @param {number} port */
export const portHolder = (port) => (process.platform === 'linux' ? holderOnLinux(port) : holderByLsof(port));

/** Unprivileged ports that browsers and fetch refuse to speak to. Source: the Fetch standard, "bad port". */
const REFUSED_PORTS = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** Components that neither browsers nor fetch speak to. */
const OTHER_CLIENTS = new Set(['postgres', 's3', 'temporal']);

/**
 * @param {{ name: string, port: number, variable: string }[]} ports
 * @throws {UserError} with one line for each port that is taken or wanted twice
 */
export async function checkPortsAreFree(ports) {
  const faults = [];
  for (const [index, { name, port, variable }] of ports.entries()) {
    const twin = ports.slice(0, index).find((other) => other.port === port);
    if (twin) faults.push(`port ${port} is wanted by both ${twin.name} (${twin.variable}) and ${name} (${variable})`);
    else if (REFUSED_PORTS.has(port) && !OTHER_CLIENTS.has(name)) {
      faults.push(`port ${port} for ${name} is one that browsers and HTTP clients refuse; set ${variable} to another`);
    } else if ((await answers(port)) || !(await canListen(port))) {
      faults.push(
        `port ${port} for ${name} is taken by ${portHolder(port) ?? 'another process'}; set ${variable} to a free port`,
      );
    }
  }
  if (!faults.length) return;
  throw new UserError(
    `${faults.join('\n')}\nOr set WLOPS_PORT_OFFSET to move all default ports, or end what holds them.`,
  );
}
