import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import test from 'node:test';
import { isAlive } from '../../tools/shared/processes.mjs';
import { endOnSignal, runStep } from '../../tools/test/run-tests.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

test('a Ctrl-C and npm’s copy of it end the running step first, and then the tests with 130, once', async (t) => {
  const exits = [];
  t.mock.method(process, 'exit', (code) => exits.push(code));
  t.after(() => SIGNALS.forEach((signal) => process.removeAllListeners(signal)));
  endOnSignal();
  // It takes a while to end, as a step does that has servers to stop.
  const script =
    "process.on('SIGTERM', () => setTimeout(process.exit, 300)); setInterval(() => {}, 1000); console.log(process.pid)";
  const step = runStep({ name: 'slow', command: process.execPath, args: ['-e', script] }, process.env);
  await setTimeout(500);
  process.emit('SIGINT');
  // Without a listener this one would end the process at once.
  assert.ok(SIGNALS.every((signal) => process.listenerCount(signal) > 0));
  process.emit('SIGINT');
  assert.deepEqual(exits, []);
  const { output } = await step;
  await setTimeout(100);
  assert.deepEqual(exits, [130]);
  assert.equal(isAlive(Number(output)), false);
});
