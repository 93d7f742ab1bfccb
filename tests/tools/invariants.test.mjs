// Each invariant accepts a sound world, and finds what is planted in it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseCheckArguments } from '../../tools/faults/invariants/check.mjs';
import { extent, INVARIANTS, judge } from '../../tools/faults/invariants/judge.mjs';
import { readJsonLines } from '../../tools/faults/json-lines.mjs';
import { ANSWERS } from './invariants/planted-answers.mjs';
import { REPEATS } from './invariants/planted-repeats.mjs';
import { RESOURCES } from './invariants/planted-resources.mjs';
import { TASKS } from './invariants/planted-tasks.mjs';
import { ago, edited, failed, NOW, soundWorld, violations } from './invariants/sound-world.mjs';
import { temporaryFolder } from './support.mjs';

const PLANTED = [...ANSWERS, ...TASKS, ...RESOURCES, ...REPEATS];

test('a sound world passes all eleven', () => {
  const { lines, passed, failed } = judge(soundWorld());
  assert.deepEqual([passed, failed], [11, 0], lines.join('\n'));
  assert.equal(lines.at(-1), '11 passed, 0 failed');
  assert.deepEqual(
    INVARIANTS.map(({ id }) => id),
    Array.from({ length: 11 }, (_, index) => `I${index + 1}`),
  );
});

for (const [id, what, plant, evidence] of PLANTED) {
  test(`${id} finds ${what}`, () => assert.match(violations(id, plant).join('\n'), evidence));
}

test('every invariant has a planted violation', () => {
  const ids = new Set(PLANTED.map(([id]) => id));
  for (const { id } of INVARIANTS) assert.ok(ids.has(id), id);
});

/** What I10 says of a training that was started again, with something 35 s ago, in its midst. */
function againBecause(plant, repeat = (world) => (world.jobs[0].attempt = 2)) {
  return violations('I10', (world) => {
    repeat(world);
    plant(world);
  });
}

for (const target of [
  ...['trainer', 'job of trainer', 'worker', 'temporal', 'postgres', 's3', 'trainer nofile'],
  ...['trainer→s3 timeout', 'worker→trainer cut', 'worker→temporal timeout', 'temporal→postgres timeout'],
]) {
  test(`I10 takes a fault of ${target} for the reason of a repeat`, () => {
    assert.deepEqual(
      againBecause((world) => world.faults.push({ at: NOW - 35_000, target })),
      [],
    );
  });
}

test('I10 takes what lasts for the reason of every repeat', () => {
  const often = (world) => (world.jobs[0].attempt = 4);
  const limited = (world) => world.faults.push({ at: NOW - 35_000, target: 'trainer nofile' });
  assert.deepEqual(againBecause(limited, often), []);
});

test('I10 takes a kill of this very job, and a connection that was hurt until the job began, for reasons', () => {
  const job = { at: NOW - 35_000, target: 'job of trainer', job: 'job_task_aaaaaaaa' };
  const hurt = [
    { at: NOW - 90_000, target: 'trainer→s3 timeout' },
    { at: NOW - 38_000, target: 'healed' },
  ];
  assert.deepEqual(
    againBecause((world) => world.faults.push(job)),
    [],
  );
  assert.deepEqual(
    againBecause((world) => world.faults.push(...hurt)),
    [],
  );
});

for (const kind of ['pause', 'resume', 'cancel', 'fail']) {
  test(`I10 takes a ${kind} of the task for the reason of its next segment`, () => {
    const segment = (world) =>
      world.jobs.push({ ...world.jobs[0], jobId: 'job_2', segment: 1, createdAt: NOW - 32_000 });
    const wish = { taskId: 'task_aaaaaaaa', kind, at: NOW - 35_000 };
    assert.deepEqual(
      againBecause((world) => world.decisions.push(wish), segment),
      [],
    );
  });
}

test('a fail that was carried out, or that a cancel overtook, and an edit that another followed, are no violations', () => {
  const carriedOut = violations('I1', failed);
  const overtaken = violations('I1', (world) => {
    failed(world);
    world.requests.push({ ...world.requests.at(-1), route: '/api/tasks/task_aaaaaaaa/cancel' });
    Object.assign(world.tasks[0], { status: 'CANCELLED', failureCode: null, failureMessage: null });
  });
  const followed = violations('I1', (world) => {
    edited(world, 'stop-conditions', { maxIterations: 2 });
    world.requests.push({ ...world.requests.at(-1), at: NOW - 10_000, status: null, body: { maxIterations: 5 } });
    world.tasks[0].settings.maxIterations = 5;
  });
  assert.deepEqual([carriedOut, overtaken, followed], [[], [], []]);
});

test('what retention took is no loss, and what it is taking may be there for a moment', () => {
  const rows = 'optimized/dataset_aaaaaaaa_i0_s0/attempt-1/';
  const collected = (world) => {
    world.executions[0].keys = [`${rows}train.parquet`];
    world.datasets.push({
      ...world.datasets[0],
      ...{ datasetId: 'dataset_o', isOptimized: true, storagePath: `${rows}manifest.json`, collectedAt: ago(120) },
    });
  };
  assert.deepEqual([violations('I3', collected), violations('I5', collected)], [[], []]);
  assert.deepEqual(
    violations('I5', (world) => (world.datasets[0].collectedAt = ago(5))),
    [],
  );
});

test('a suspended task, and the rows of a segment that was not accepted, are no violations', () => {
  const suspended = violations('I8', (world) => (world.tasks[0].status = 'SUSPENDED'));
  const segment = violations('I5', (world) =>
    world.objects.set('optimized/dataset_aaaaaaaa_i0_s1/attempt-1/train.parquet', { size: 1, modifiedAt: 0 }),
  );
  assert.deepEqual([suspended, segment], [[], []]);
});

test('a fault long before the job explains nothing', () => {
  assert.equal(againBecause((world) => world.faults.push({ at: NOW - 600_000, target: 'trainer' })).length, 1);
});

test('a violated invariant is told with its evidence, and counts', () => {
  const world = soundWorld();
  world.tasks[0].status = 'TRAINING';
  const { lines, failed } = judge(world);
  assert.equal(failed, 2, 'I2 and I8 both see it');
  assert.equal(lines.at(-1), '9 passed, 2 failed');
  assert.match(lines.join('\n'), /✗ I8 .*: 1\n {6}task_aaaaaaaa is TRAINING/);
});

test('the extent of a verdict is told: how many ended how, and on what it rests', () => {
  const world = soundWorld();
  Object.assign(world.tasks[0], { status: 'FAILED', failureCode: 'JOB_CRASHED' });
  assert.deepEqual(extent(world), [
    '2 tasks: 1 FAILED (JOB_CRASHED), 1 COMPLETED',
    '8 events, 2 jobs, 4 objects, 14 requests, 0 faults',
  ]);
});

test('the arguments name the folder and the log; others are refused', () => {
  const given = parseCheckArguments(['--data-dir', '/tmp/x', '--client-log', '/tmp/log'], {});
  assert.deepEqual(given, { dataDir: '/tmp/x', clientLog: '/tmp/log' });
  assert.equal(parseCheckArguments([], { WLOPS_DATA_DIR: '/tmp/y' }).dataDir, '/tmp/y');
  assert.throws(() => parseCheckArguments(['--folder', 'x'], {}), /usage: check:invariants/);
});

test('half a line at the end of a log is what a killed process leaves; half a line elsewhere is a fault', (t) => {
  const file = path.join(temporaryFolder(t), 'log.jsonl');
  assert.deepEqual(readJsonLines(file), []);
  fs.writeFileSync(file, '{"a":1}\n{"b":');
  assert.deepEqual(readJsonLines(file), [{ a: 1 }]);
  fs.writeFileSync(file, '{"b":\n{"a":1}\n');
  assert.throws(() => readJsonLines(file), SyntaxError);
});
