/**
 * The stack's own promises, on a second stack beside the shared one: what it prints and writes, how it ends, what survives a restart
 * and a killed supervisor, and what a taken port or a busy data folder gets.
 */
import { execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, waitFor, type Json, type RunFile } from './support/client';
import { freePortOffset, ROOT, startStack } from './support/stack.cjs';

const NAMES = ['api', 'evaluator', 'optimizer', 'postgres', 's3', 'temporal', 'trainer', 'worker'];
const ADMIN = { email: 'root@example.org', password: 'correct horse battery staple' };
const COMMAND = path.join(ROOT, 'tools/wlops.mjs');

let folder: string;
let dataDir: string;
let portOffset: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'wlops-stack-'));
  chmodSync(folder, 0o755);
  dataDir = path.join(folder, 'data');
  portOffset = String(await freePortOffset());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = () => ({ WLOPS_PORT_OFFSET: portOffset });
const run = (stack: { run: object }) => stack.run as RunFile & { supervisor: { pid: number } };
const pids = (file: RunFile) => Object.values(file.processes).map(({ pid }) => pid);

/** A zombie is not: it has ended, and whoever inherited it has yet to take note. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** One command of `tools/wlops.mjs` on the stack's data folder, with its exit code and all it printed. */
function wlops(args: string[], env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  const merged = { ...process.env, WLOPS_DATA_DIR: dataDir, ...environment(), ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { env: merged, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

async function loggedIn(file: RunFile, account: typeof ADMIN): Promise<Client> {
  const api = file.processes.api;
  if (!api) throw new Error('the stack has no API');
  return new Client(api.url).login(account.email, account.password);
}

test('start, look, break, stop: the stack keeps its promises and its data', async () => {
  const stack = await startStack({
    dataDir,
    env: { ...environment(), WLOPS_ADMIN_EMAIL: ADMIN.email, WLOPS_ADMIN_PASSWORD: ADMIN.password },
  });
  try {
    const first = run(stack);

    // run.json: every process with its own port and log file; no secret in it.
    expect(Object.keys(first.processes).sort()).toEqual(NAMES);
    for (const { pid, port, url, logFile } of Object.values(first.processes)) {
      expect(isAlive(pid)).toBe(true);
      expect(url).toContain(String(port));
      expect(path.dirname(logFile)).toBe(path.join(dataDir, 'logs'));
      expect(statSync(logFile).isFile()).toBe(true);
    }
    // Job results and lines of uploads stand in them.
    for (const name of ['logs', 's3', 's3-accounts']) expect(statSync(path.join(dataDir, name)).mode & 0o077).toBe(0);
    const temporal = readdirSync(dataDir).filter((name) => name.startsWith('temporal.sqlite'));
    expect(temporal).toContain('temporal.sqlite');
    for (const name of temporal) expect(statSync(path.join(dataDir, name)).mode & 0o077).toBe(0);
    const secrets = JSON.parse(readFileSync(path.join(dataDir, 'secrets.json'), 'utf8')) as Record<string, string>;
    const written = readFileSync(path.join(dataDir, 'run.json'), 'utf8');
    for (const [name, secret] of Object.entries(secrets)) {
      if (name !== 'adminEmail') expect(written).not.toContain(secret);
    }

    // The status command shows the same.
    const shown = await wlops(['status', '--json']);
    expect(shown.code).toBe(0);
    expect((JSON.parse(shown.output) as RunFile).processes).toEqual(first.processes);

    // A second stack on the same data is refused and does no harm; so is one that finds a port taken.
    const second = await wlops(['start']);
    expect(second).toMatchObject({ code: 1, output: expect.stringContaining(`process ${first.supervisor.pid}`) });
    const elsewhere = await wlops(['start'], { WLOPS_DATA_DIR: path.join(folder, 'other') });
    const apiPort = String(first.processes.api?.port);
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.output).toMatch(
      new RegExp(`port ${apiPort} for api is taken by process \\d+ .*set WLOPS_API_PORT`),
    );

    // A database that is killed comes back, and the API with it.
    process.kill(first.processes.postgres?.pid ?? 0, 'SIGKILL');
    const admin = await waitFor('the API to answer again', 60, async () => {
      const healthy = await fetch(`${first.processes.api?.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
      const { processes } = JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')) as RunFile;
      const isBack = processes.postgres?.pid !== null && processes.postgres?.pid !== first.processes.postgres?.pid;
      return healthy && isBack ? loggedIn(first, ADMIN).catch(() => null) : null;
    });
    const dataset: Json = await admin.upload(Buffer.from('text,label\nhello,a\nbye,b\n'), {
      name: 'kept',
      datasetType: 'training',
    });

    expect(await stack.stop('SIGTERM')).toBe(0);
    for (const pid of pids(first)) expect(isAlive(pid)).toBe(false);
    expect(existsSync(path.join(dataDir, 'run.json'))).toBe(false);
    // What the checker of invariants blames on it, and not on the services.
    const noted = readFileSync(path.join(dataDir, 'faults.jsonl'), 'utf8').trim().split('\n');
    expect(noted.map((line) => JSON.parse(line).target).sort()).toEqual(['evaluator', 'optimizer', 'trainer']);
    expect((await wlops(['status'])).code).toBe(3);

    // A second start finds all again, also after its supervisor was killed.
    const again = await startStack({ dataDir, env: environment() });
    again.child.kill('SIGKILL');
    const third = await startStack({ dataDir, env: environment() });
    try {
      expect(pids(run(again)).filter(isAlive)).toEqual([]);
      const back = await loggedIn(run(third), ADMIN);
      const reply = await back.get(`/api/datasets/${dataset.datasetId}`);
      expect(reply.body).toMatchObject({ name: 'kept', sampleCount: 2, sha256: dataset.sha256 });
      expect((await wlops(['stop'])).output).toContain('stopped');
      expect(await third.stop()).toBe(0);
    } finally {
      await third.stop();
    }
    expect(readdirSync(dataDir)).not.toContain('stack.lock');
  } finally {
    await stack.stop();
  }
}, 300_000);

test('a second Ctrl-C kills at once, and nothing is left', async () => {
  const stack = await startStack({ dataDir: path.join(folder, 'impatient'), env: environment() });
  const file = run(stack);
  // A process that does not stop by itself: the kernel holds it still.
  process.kill(file.processes.trainer?.pid ?? 0, 'SIGSTOP');
  stack.child.kill('SIGINT');
  await waitFor('the API to be stopped', 20, async () => (isAlive(file.processes.api?.pid ?? 0) ? null : true));
  const began = Date.now();
  await waitFor('the second Ctrl-C to be another wish', 5, async () => (Date.now() - began > 1000 ? true : null));
  expect(await stack.stop('SIGINT')).toBe(130);
  // Killed is not yet gone: the kernel takes a moment to give back hundreds of megabytes.
  await waitFor('every process to be gone', 10, async () => (pids(file).some(isAlive) ? null : true));
}, 240_000);

test('Ctrl-C in the middle of the demo stops the stack and says nothing of failure', async () => {
  const demoDir = path.join(folder, 'demo');
  const env = { ...process.env, WLOPS_DATA_DIR: demoDir, ...environment() };
  const demo = spawn(process.execPath, [COMMAND, 'demo'], { env, cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise((resolve) => demo.once('exit', (code, signal) => resolve(code ?? signal)));
  try {
    await waitFor('the first task to train', 200, async () => (/^ {2}TRAINING/m.test(output) ? true : null));
    const running = JSON.parse(readFileSync(path.join(demoDir, 'run.json'), 'utf8')) as RunFile;
    demo.kill('SIGINT');
    expect(await exited).toBe(130);
    expect(output).toContain('SIGINT: stopping');
    expect(output).not.toMatch(/fetch failed|Error/);
    expect(pids(running).filter(isAlive)).toEqual([]);
  } finally {
    demo.kill('SIGKILL');
  }
}, 260_000);

test('the first command works before anything is set: help is printed and an unknown command is refused', async () => {
  const help = spawn(process.execPath, [COMMAND], { stdio: 'ignore' });
  expect(await new Promise((resolve) => help.once('exit', resolve))).toBe(0);
  expect((await wlops(['fly'])).code).toBe(2);
});
