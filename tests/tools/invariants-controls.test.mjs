// What I1 takes for carried out, or for a control that left nothing to do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controlled, ended, failed, NOW, violations } from './invariants/sound-world.mjs';

/** What I1 finds after each of these was planted alone. */
const found = (...plants) => plants.map((plant) => violations('I1', plant));
const CANCELLED = { status: 'CANCELLED' };
const COMPLETED = { status: 'COMPLETED' };

test('each pause and resume with a decision of its own is carried out, in whatever order the answers came', () => {
  const again = (world) => {
    controlled(world, 'pause', { secondsAgo: 25, decidedAfterMs: 2 });
    controlled(world, 'resume', { secondsAgo: 20, decidedAfterMs: 2 });
  };
  const overlapping = (world) => {
    // The one that was asked first is answered last; only the first decision falls into the shorter call.
    controlled(world, 'resume', { secondsAgo: 20, decidedAfterMs: 1003 });
    controlled(world, 'resume', { secondsAgo: 19, decidedAfterMs: 3000 });
    world.requests.at(-2).ms = 4500;
  };
  assert.deepEqual(found(again, overlapping), [[], []]);
});

test('a pause that meets one that stands is no second decision, and one that was refused none at all', () => {
  const repeated = (world) => {
    controlled(world, 'pause', { secondsAgo: 20, decidedAfterMs: 2 });
    controlled(world, 'pause', { secondsAgo: 18 });
  };
  const refused = (world) => controlled(world, 'pause', { status: 409 });
  assert.deepEqual(found(repeated, refused), [[], []]);
});

test('a cancel is carried out, or meets the end of its task: in the workflow before, in the row after it', () => {
  const carriedOut = (world) => {
    controlled(world, 'cancel', { decidedAfterMs: 2 });
    ended(world, 10, CANCELLED);
  };
  const met = (world) => {
    controlled(world, 'cancel');
    ended(world, 19, COMPLETED);
  };
  const lateRow = (world) => {
    controlled(world, 'cancel');
    ended(world, 15, COMPLETED);
    world.events[3].payload.at = new Date(NOW - 40_000).toISOString();
  };
  const learnedLate = (world) => {
    controlled(world, 'cancel', { decidedAfterMs: 9000 });
    ended(world, 10, COMPLETED);
  };
  assert.deepEqual(found(carriedOut, met, lateRow, learnedLate), [[], [], [], []]);
});

test('of a cancel and a fail either may win, and of two fails the first', () => {
  const cancelWins = (world) => {
    failed(world);
    controlled(world, 'cancel', { decidedAfterMs: 3 });
    ended(world, 10, CANCELLED);
  };
  const failWins = (world) => {
    failed(world);
    controlled(world, 'cancel');
  };
  const firstFailWins = (world) => {
    failed(world);
    controlled(world, 'fail', { secondsAgo: 18, reason: 'another' });
  };
  assert.deepEqual(found(failed, cancelWins, failWins, firstFailWins), [[], [], [], []]);
});

test('a fail that meets the end of its task left nothing to do', () => {
  const met = (world) => {
    controlled(world, 'fail', { reason: 'wrong labels' });
    ended(world, 20, COMPLETED);
  };
  assert.deepEqual(found(met), [[]]);
});
