// Real servers for the tests: one PostgreSQL and one Temporal development server, on free ports, in a folder that goes away with them.
const { execFile, spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');

const READY_TIMEOUT_MS = 60_000;
/** Outgoing connections use the ports from 32768 on; a server that wants one of those sometimes finds it taken. */
const PORTS = { first: 20_000, last: 30_000 };

/** A port nobody listens on. */
async function freePort() {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first));
    const free = await new Promise((resolve) => {
      const server = net.createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error(`no free port between ${PORTS.first} and ${PORTS.last}`);
}

/** The file of a command on PATH, or null. */
function onPath(command) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, command)).find((file) => fs.existsSync(file)) ?? null;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true) || socket.destroy());
    socket.once('error', () => resolve(false));
  });
}

async function untilReady(name, child, logFile, isReady) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isReady())) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) {
      const said = fs.readFileSync(logFile, 'utf8').slice(-2000);
      throw new Error(`${name} ${ended ? 'ended' : 'was not ready in time'}:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Starts a server in its own process group, so that Ctrl-C does not reach it before its clients. */
function start(file, args, options, logFile) {
  const log = fs.openSync(logFile, 'a');
  const child = spawn(file, args, { ...options, stdio: ['ignore', log, log], detached: true });
  fs.closeSync(log);
  return child;
}

async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}

/** PostgreSQL refuses to run as root; every Linux has `nobody`. */
function unprivileged() {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
}

/** A PostgreSQL with an empty database `wlops_test`. */
async function startPostgres(folder) {
  const postgres = onPath('postgres') ?? missing('PostgreSQL', 'postgres');
  const initdb = onPath('initdb') ?? missing('PostgreSQL', 'initdb');
  const owner = unprivileged();
  const dataFolder = path.join(folder, 'postgres');
  fs.mkdirSync(dataFolder, { mode: 0o700 });
  if (owner.uid !== undefined) fs.chownSync(dataFolder, owner.uid, owner.gid);
  const environment = { ...process.env, LC_ALL: 'C.UTF-8' };
  const init = [
    '-D',
    dataFolder,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '--no-instructions',
    '--no-sync',
  ];
  await promisify(execFile)(fs.realpathSync(initdb), init, { ...owner, env: environment, cwd: '/' });

  const port = await freePort();
  const logFile = path.join(folder, 'postgres.log');
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=200'];
  const args = ['-D', dataFolder, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const child = start(fs.realpathSync(postgres), args, { ...owner, env: environment, cwd: '/' }, logFile);
  const url = `postgresql://postgres@127.0.0.1:${port}`;
  const { Client } = require('pg');
  await untilReady('PostgreSQL', child, logFile, async () => {
    const client = new Client({ connectionString: `${url}/postgres` });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('CREATE DATABASE wlops_test');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  });
  return { url: `${url}/wlops_test`, stop: () => end(child, 'SIGINT') };
}

/** A Temporal development server that knows WLOps' search attributes and shares queues fairly. */
async function startTemporal(folder, searchAttributes) {
  const temporal =
    process.env.WLOPS_TEST_TEMPORAL ??
    onPath('temporal') ??
    missing('the Temporal CLI', 'temporal', 'WLOPS_TEST_TEMPORAL');
  const port = await freePort();
  const logFile = path.join(folder, 'temporal.log');
  const args = [
    ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
    ...searchAttributes.flatMap(({ name, type }) => ['--search-attribute', `${name}=${type}`]),
    ...['matching.useNewMatcher=true', 'matching.enableFairness=true'].flatMap((value) => [
      '--dynamic-config-value',
      value,
    ]),
  ];
  const child = start(temporal, args, { env: { ...process.env, HOME: folder } }, logFile);
  const { Connection } = require('@temporalio/client');
  await untilReady('Temporal', child, logFile, async () => {
    if (!(await answers(port))) return false;
    try {
      const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: '2s' });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      await connection.close();
      return true;
    } catch {
      return false;
    }
  });
  return { address: `127.0.0.1:${port}`, stop: () => end(child, 'SIGTERM') };
}

function missing(what, command, variable) {
  const where = variable ? `, or its file be named in ${variable}` : '';
  throw new Error(`the tests need ${what}: put \`${command}\` on PATH${where}. \`npm test\` gets it by itself.`);
}

/** Starts what is asked for at the same time; `stop` ends all of it and removes the folder. */
async function startServers(searchAttributes) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-test-'));
  fs.chmodSync(folder, 0o755);
  const started = await Promise.allSettled([startPostgres(folder), startTemporal(folder, searchAttributes)]);
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const [postgres, temporal] = servers;
  return { databaseUrl: postgres.url, temporalAddress: temporal.address, stop };
}

module.exports = { startServers };
