// The plan of a chaos run is decided by its seed alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChaosArguments } from '../../tools/faults/chaos/chaos.mjs';
import { actionOf, MIX } from '../../tools/faults/chaos/mix.mjs';
import { chaosPlan } from '../../tools/faults/chaos/plan.mjs';
import { LINKS, linkName } from '../../tools/faults/links.mjs';
import { seededRandom } from '../../tools/faults/seeded-random.cjs';
import { PROCESSES } from '../../tools/faults/targets.mjs';

const BEGIN_OF_42 = [
  [3000, 'process', 'postgres'],
  [6000, 'job', 'trainer'],
  [9000, 'process', 'worker'],
  [12_000, 'process', 'trainer'],
  [15_000, 'job', 'trainer'],
];
const TEN_MINUTES = { minutes: 10, intervalSeconds: 3 };

test('the same seed gives the same plan, another seed another one', () => {
  const plan = (seed) => chaosPlan({ seed, ...TEN_MINUTES });
  assert.deepEqual(plan(7), plan(7));
  assert.notDeepEqual(plan(7), plan(8));
});

test('a known seed gives the plan that it gave when it was written down', () => {
  const begin = chaosPlan({ seed: 42, ...TEN_MINUTES }).slice(0, 5);
  assert.deepEqual(
    begin.map(({ atMs, kill, target }) => [atMs, kill, target]),
    BEGIN_OF_42,
  );
});

test('ten minutes at three seconds are 200 kills, and none of the targets is left out', () => {
  const plan = chaosPlan({ seed: 1, ...TEN_MINUTES });
  assert.equal(plan.length, 200);
  assert.equal(plan.at(-1).atMs, 600_000);
  const hit = new Set(plan.map(({ kill, target }) => `${kill} ${target}`));
  const jobs = ['optimizer', 'trainer', 'evaluator'].map((service) => `job ${service}`);
  assert.deepEqual([...hit].sort(), [...PROCESSES.map((name) => `process ${name}`), ...jobs].sort());
});

test('users do everything that can be asked for, and end or edit tasks rarely', () => {
  const random = seededRandom(1);
  const done = new Map();
  for (let step = 0; step < 10_000; step += 1) {
    const action = actionOf(random());
    done.set(action, (done.get(action) ?? 0) + 1);
  }
  for (const [action, share] of MIX) assert.ok(Math.abs((done.get(action) ?? 0) / 10_000 - share) < 0.01, action);
  for (const rare of ['cancel', 'fail', 'pause and edit', 'edit stop conditions'])
    assert.ok(done.get(rare) < 300, rare);
  assert.equal(MIX.reduce((sum, [, share]) => sum + share * 100, 0).toFixed(6), '100.000000');
});

test('arguments: the defaults are ten minutes, and what is no number is refused', () => {
  assert.deepEqual(parseChaosArguments([]), {
    ...{ minutes: 10, seed: 1, interval: 3, users: 3, tasks: 2, settleMinutes: 10, planOnly: false },
  });
  assert.equal(parseChaosArguments(['--minutes', '0.5', '--seed', '9']).minutes, 0.5);
  assert.throws(() => parseChaosArguments(['--seed', 'x']), /--seed must be a number; it is "x"/);
  assert.throws(() => parseChaosArguments(['--hours', '1']), /usage: chaos/);
});

test('every link has a name of its own', () => {
  const names = LINKS.map(linkName);
  assert.equal(new Set(names).size, names.length);
  assert.equal(names.length, 14);
});
