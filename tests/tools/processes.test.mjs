// Child processes of the stack and what a killed supervisor leaves: small fake programs, real signals.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { lock, lockHolder, tryLock } from '../../tools/shared/lock.mjs';
import { isAlive, processIdentity } from '../../tools/shared/processes.mjs';
import { waitUntil } from '../../tools/shared/wait.mjs';
import { endLeftovers } from '../../tools/stack/leftovers.mjs';
import { ManagedProcess } from '../../tools/stack/managed-process.mjs';
import { readRunFile, runningStack, writeRunFile } from '../../tools/stack/run-file.mjs';
import { stop } from '../../tools/stack/stop.mjs';
import { recorder, script, temporaryFolder } from './support.mjs';

const soon = { timeoutMs: 10_000 };
const DEAD_PID = 2 ** 22 - 3;

/** A process that touches `ready` and waits; `lines` run before. */
function managed(t, { lines = [], spec = {} } = {}) {
  const folder = temporaryFolder(t);
  const ready = path.join(folder, 'ready');
  const program = script(folder, 'program', ...lines, `echo started; touch ${ready}`, 'while :; do sleep 0.1; done');
  const events = recorder();
  const output = recorder();
  const child = new ManagedProcess(
    {
      name: 'probe',
      command: program,
      args: [],
      env: { PATH: process.env.PATH },
      cwd: folder,
      port: 1,
      url: 'http://127.0.0.1:1',
      logFile: path.join(folder, 'logs/probe.log'),
      isReady: async () => fs.existsSync(ready),
      readyTimeoutMs: 10_000,
      stopSignal: 'SIGTERM',
      stopGraceMs: 3000,
      ...spec,
    },
    { onLine: output, onEvent: events, onChange: () => {} },
  );
  t.after(() => child.kill());
  return { child, folder, events, output };
}

test('a process is ready when it says so; its output goes to its log file and to the terminal', async (t) => {
  const { child, output } = managed(t);
  await child.start();
  assert.ok(isAlive(child.pid));
  assert.ok(await waitUntil(() => output.lines.includes('started'), soon));
  await child.stop();
  assert.match(fs.readFileSync(child.spec.logFile, 'utf8'), /started/);
});

test('one that ends before it is ready is an error with the end of its log, and is not started again', async (t) => {
  const { child } = managed(t, { lines: ['echo the reason', 'exit 3'] });
  await assert.rejects(child.start(), /probe ended \(exit code 3\)[\s\S]*the reason/);
  assert.equal(child.pid, null);
});

test('one that does not become ready in time is an error', async (t) => {
  const { child } = managed(t, { spec: { isReady: async () => false, readyTimeoutMs: 300 } });
  await assert.rejects(child.start(), /did not become ready in 0\.3 s/);
});

test('one that dies is started again, has another process id and says when it answers', async (t) => {
  const { child, events } = managed(t);
  await child.start();
  const before = child.pid;
  process.kill(before, 'SIGKILL');
  assert.ok(await waitUntil(() => child.pid !== null && child.pid !== before, soon));
  assert.match(events.lines[0], /ended \(SIGKILL\); starting it again/);
  assert.ok(await waitUntil(() => events.lines[1] === 'ready again', soon));
  await child.stop();
  assert.ok(!isAlive(before));
});

test('stopping ends also what the process started, in sessions of their own', async (t) => {
  const { child, folder } = managed(t, {
    lines: [`setsid sh -c 'echo $$ > grandchild; while :; do sleep 0.1; done' &`],
  });
  await child.start();
  const file = path.join(folder, 'grandchild');
  const grandchild = Number(await waitUntil(() => fs.existsSync(file) && fs.readFileSync(file, 'utf8').trim(), soon));
  const { pid } = child;
  await child.stop();
  assert.ok(!isAlive(pid));
  assert.ok(await waitUntil(() => !isAlive(grandchild), soon));
});

test('one that ignores the stop signal is killed after its time', async (t) => {
  const { child } = managed(t, { lines: ["trap '' TERM"], spec: { stopGraceMs: 300 } });
  await child.start();
  const { pid } = child;
  await child.stop();
  assert.ok(!isAlive(pid));
});

test('when the supervisor is killed its processes end as well', async (t) => {
  if (process.platform !== 'linux') return t.skip('elsewhere the next start ends them');
  const folder = temporaryFolder(t);
  const module = path.resolve(import.meta.dirname, '../../tools/stack/managed-process.mjs');
  const supervisor = path.join(folder, 'supervisor.mjs');
  fs.writeFileSync(
    supervisor,
    `import { ManagedProcess } from ${JSON.stringify(module)};
     const nothing = () => {};
     const child = new ManagedProcess({ name: 'probe', command: 'sleep', args: ['60'], env: process.env, cwd: '/', port: 1, url: '',
       logFile: ${JSON.stringify(path.join(folder, 'probe.log'))}, isReady: async () => true, readyTimeoutMs: 5000,
       stopSignal: 'SIGTERM', stopGraceMs: 1000 }, { onLine: nothing, onEvent: nothing, onChange: nothing });
     await child.start();
     console.log(child.pid);
     setInterval(nothing, 1000);`,
  );
  const child = spawn(process.execPath, [supervisor], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
  t.after(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
  assert.ok(isAlive(pid));
  child.kill('SIGKILL');
  assert.ok(await waitUntil(() => !isAlive(pid), soon));
});

/** A process that nobody watches, as a killed supervisor leaves it. */
function leftover(t) {
  const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
  t.after(() => child.kill('SIGKILL'));
  return child.pid;
}

const recordOf = (pid) => ({ pid, identity: processIdentity(pid) });

const runRecord = (dataDir, pid, identity) => ({
  supervisor: { pid: DEAD_PID, identity: '1' },
  startedAt: new Date().toISOString(),
  ready: true,
  dataDir,
  urls: {},
  external: [],
  processes: { probe: { pid, identity, port: 1, url: '', logFile: '', stopSignal: 'SIGTERM' } },
});

test('the next start ends what a killed supervisor left, and removes its run.json', async (t) => {
  const dataDir = temporaryFolder(t);
  const pid = leftover(t);
  writeRunFile(dataDir, runRecord(dataDir, pid, processIdentity(pid)));
  assert.equal(runningStack(dataDir), undefined);
  assert.deepEqual(await endLeftovers({ dataDir }), ['probe']);
  assert.ok(!isAlive(pid));
  assert.equal(readRunFile(dataDir), undefined);
});

test('stop ends what the supervisor could not, which its run.json names then', async (t) => {
  const dataDir = temporaryFolder(t);
  const [supervisor, pid] = [leftover(t), leftover(t)];
  const record = { ...runRecord(dataDir, pid, processIdentity(pid)), supervisor: recordOf(supervisor) };
  writeRunFile(dataDir, record);
  assert.equal(await stop({ WLOPS_DATA_DIR: dataDir }), 0);
  assert.ok(!isAlive(supervisor));
  assert.ok(await waitUntil(() => !isAlive(pid), soon));
  assert.equal(readRunFile(dataDir), undefined);
});

test('stop leaves a stack alone that was started since', async (t) => {
  const dataDir = temporaryFolder(t);
  const [supervisor, later, pid] = [leftover(t), leftover(t), leftover(t)];
  const record = runRecord(dataDir, pid, processIdentity(pid));
  writeRunFile(dataDir, { ...record, supervisor: recordOf(supervisor) });
  const stopping = stop({ WLOPS_DATA_DIR: dataDir });
  writeRunFile(dataDir, { ...record, supervisor: recordOf(later) });
  assert.equal(await stopping, 0);
  assert.ok(!isAlive(supervisor));
  assert.deepEqual([later, pid].map(isAlive), [true, true]);
});

test('a later process that got the same id is left alone', async (t) => {
  const dataDir = temporaryFolder(t);
  const pid = leftover(t);
  writeRunFile(dataDir, runRecord(dataDir, pid, 'the start time of another process'));
  assert.deepEqual(await endLeftovers({ dataDir }), []);
  assert.ok(isAlive(pid));
});

test('a postmaster.pid whose id belongs to somebody else by now ends nobody', async (t) => {
  const dataDir = temporaryFolder(t);
  const postgresDirectory = path.join(dataDir, 'postgres');
  fs.mkdirSync(postgresDirectory);
  const pid = leftover(t);
  fs.writeFileSync(path.join(postgresDirectory, 'postmaster.pid'), `${pid}\n${postgresDirectory}\n`);
  assert.deepEqual(await endLeftovers({ dataDir, postgresDirectory }), []);
  assert.ok(isAlive(pid));
});

test('a lock is given to one process only, and again when it was released', (t) => {
  const file = path.join(temporaryFolder(t), 'stack.lock');
  const held = tryLock(file);
  assert.equal(tryLock(file), undefined);
  assert.equal(lockHolder(file).pid, process.pid);
  held.release();
  tryLock(file).release();
});

test('the lock of a process that is gone is taken over, also when its id was given to another', (t) => {
  const file = path.join(temporaryFolder(t), 'stack.lock');
  fs.writeFileSync(file, JSON.stringify({ pid: DEAD_PID, identity: '1' }));
  tryLock(file).release();
  fs.writeFileSync(file, JSON.stringify({ pid: process.pid, identity: 'another start time' }));
  assert.ok(tryLock(file));
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ['stack.lock']);
});

test('who waits for a lock is told who holds it, and gets it', async (t) => {
  const file = path.join(temporaryFolder(t), 'env.lock');
  const held = tryLock(file);
  const told = recorder();
  const waiting = lock(file, (holder) => {
    told(String(holder.pid));
    held.release();
  });
  (await waiting).release();
  assert.deepEqual(told.lines, [String(process.pid)]);
});
