import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import test from 'node:test';
import { stopOnSignal } from '../../tools/stack/signals.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A stack whose stop ends only when it is killed, as with a process that does not end by itself. */
function hangingStack() {
  const events = new EventEmitter();
  return {
    stop: () => once(events, 'killed'),
    async kill() {
      events.emit('killed');
      await setTimeout(50);
    },
  };
}

test('a second Ctrl-C ends with its own code, although the stop it cut short ends first', async (t) => {
  const exits = [];
  t.mock.method(process, 'exit', (code) => exits.push(code));
  t.after(() => SIGNALS.forEach((signal) => process.removeAllListeners(signal)));
  const printed = [];
  let left = false;
  void stopOnSignal(hangingStack(), (line) => printed.push(line)).then(() => (left = true));
  process.emit('SIGINT');
  process.emit('SIGINT'); // npm's copy of the first.
  await setTimeout(800);
  assert.deepEqual(exits, []);
  process.emit('SIGINT');
  await setTimeout(20);
  assert.equal(left, false);
  await setTimeout(100);
  assert.deepEqual([exits, printed.at(-1)], [[130], 'killed']);
});

test('one Ctrl-C ends when the stack has stopped', async (t) => {
  t.after(() => SIGNALS.forEach((signal) => process.removeAllListeners(signal)));
  const stopped = stopOnSignal(
    { stop: () => setTimeout(10), kill: () => Promise.reject(new Error('not asked for')) },
    () => {},
  );
  process.emit('SIGTERM');
  await stopped;
});
