// Each invariant accepts a sound world, and finds what is planted in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCheckArguments } from '../../tools/faults/invariants/check.mjs';
import { extent, INVARIANTS, judge } from '../../tools/faults/invariants/judge.mjs';
import { workDoneAgain } from '../../tools/faults/invariants/repeats.mjs';
import { ANSWERS } from './invariants/planted-answers.mjs';
import { CONTROLS } from './invariants/planted-controls.mjs';
import { nextSegment, REPEATS } from './invariants/planted-repeats.mjs';
import { RESOURCES } from './invariants/planted-resources.mjs';
import { TASKS } from './invariants/planted-tasks.mjs';
import { ago, controlled, edited, HOUR_MS, NOW, soundWorld, violations } from './invariants/sound-world.mjs';

const PLANTED = [...ANSWERS, ...CONTROLS, ...TASKS, ...RESOURCES, ...REPEATS];

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

test('without a client log I1 and I7 are not judged, and do not count as passed', () => {
  const world = { ...soundWorld(), hasClientLog: false, requests: [], markers: [] };
  const { lines, passed, failed } = judge(world);
  assert.deepEqual([passed, failed], [9, 0]);
  assert.deepEqual(lines.slice(-2), ['not judged: I1, I7 (no client log)', '9 passed, 0 failed']);
  assert.ok(!lines.some((line) => /✓ I[17] /.test(line)));
});

test('every invariant has a planted violation', () => {
  const ids = new Set(PLANTED.map(([id]) => id));
  for (const { id } of INVARIANTS) assert.ok(ids.has(id), id);
});

/** What I10 says of a training that was started again or given once more, with faults some milliseconds ago; it ran from 40 to 30 s ago. */
function blamed(repeat, ...faults) {
  return violations('I10', (world) => {
    repeat(world);
    for (const [ago, target, more] of faults) world.faults.push({ at: NOW - ago, target, ...more });
  });
}
const again = (world) => (world.jobs[0].attempt = 2);

for (const target of ['trainer', 'job of trainer', 'trainer nofile']) {
  test(`I10 takes a fault of ${target} for the reason of an attempt, and of a segment`, () => {
    assert.deepEqual(blamed(again, [35_000, target]), []);
    assert.deepEqual(blamed(nextSegment, [35_000, target]), []);
  });
}

for (const target of ['s3', 's3 fsize', 'trainer→s3 timeout', 'worker→trainer cut']) {
  test(`I10 takes a fault of ${target} for the reason of a segment`, () => {
    assert.deepEqual(blamed(nextSegment, [35_000, target]), []);
  });
}

test('I10 takes what is hurt in the millisecond in which all else was healed for hurt until the next time', () => {
  const healed = [41_000, 'healed'];
  assert.deepEqual(blamed(nextSegment, healed, [41_000, 'trainer→s3 reset_peer'], [35_000, 'healed']), []);
  assert.equal(blamed(nextSegment, [41_000, 'trainer→s3 reset_peer'], healed).length, 1);
});

test('I10 takes what lasts for the reason of every repeat', () => {
  const often = (world) => (world.jobs[0].attempt = 4);
  assert.deepEqual(blamed(often, [35_000, 'trainer nofile']), []);
});

test('I10 takes as many kills as there are repeats, of an attempt and of the segment after it', () => {
  const both = (world) => {
    again(world);
    nextSegment(world, { attempt: 2, finishedAt: NOW - 20_000 });
  };
  const kills = [38_000, 33_000, 25_000].map((ago) => [ago, 'trainer']);
  assert.deepEqual(blamed(both, ...kills), []);
  assert.equal(blamed(both, ...kills.slice(1)).length, 1);
});

test('I10 takes for reasons a kill of this very job, a connection hurt until it began, and a store that was killed before it', () => {
  assert.deepEqual(blamed(again, [35_000, 'job of trainer', { job: 'job_task_aaaaaaaa' }]), []);
  assert.deepEqual(blamed(nextSegment, [90_000, 'trainer→s3 timeout'], [38_000, 'healed']), []);
  assert.deepEqual(blamed(nextSegment, [50_000, 's3']), []);
});

test('I10 gives a service that is told to end the time to let trainings save', () => {
  for (const by of ['SIGTERM', 'stop']) assert.deepEqual(blamed(again, [45_000, 'trainer', { by }]), []);
  assert.equal(blamed(again, [45_000, 'trainer', { by: 'SIGKILL' }]).length, 1);
});

test('I10 takes a pause for the reason of the next segment, also one that overtook the job', () => {
  for (const ago of [35_000, 45_000])
    assert.deepEqual(
      blamed((world) => {
        nextSegment(world);
        world.decisions.push({ taskId: 'task_aaaaaaaa', kind: 'pause', at: NOW - ago });
      }),
      [],
    );
});

test('I10 asks no reason for what follows a job that was never begun', () => {
  const neverBegun = (world) => {
    Object.assign(world.jobs[0], { attempt: 0, startedAt: null, state: 'cancelled' });
    nextSegment(world, { attempt: 1 });
  };
  assert.deepEqual(blamed(neverBegun), []);
});

test('I10 takes the end of a service for the reason why it does not know a segment', () => {
  const unknown = (world) => {
    world.jobs[0].segment = 1;
    world.decisions = [];
  };
  assert.deepEqual(blamed(unknown, [50_000, 'trainer']), []);
});

test('work that was done again is measured by the work that was needed', () => {
  const world = soundWorld();
  world.jobs[0].attempt = 3;
  nextSegment(world, { attempt: 1 });
  world.jobs.push({ ...world.jobs[1], jobId: 'job_3', iteration: 1, attempt: 0, state: 'cancelled' });
  assert.deepEqual(workDoneAgain(world.jobs), { needed: 2, again: 3 });
});

test('an edit that another followed is no violation', () => {
  const followed = violations('I1', (world) => {
    edited(world, 'stop-conditions', { maxIterations: 2 });
    world.requests.push({ ...world.requests.at(-1), at: NOW - 10_000, status: null, body: { maxIterations: 5 } });
    world.tasks[0].settings.maxIterations = 5;
  });
  assert.deepEqual(followed, []);
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

test('what retention has not had the time to take is no violation, nor what is none of its', () => {
  const found = violations('I5', (world) => {
    world.objects.set('models/task_zzzzzzzz/0/s0/w', { size: 1, modifiedAt: NOW - 25.9 * HOUR_MS });
    world.objects.set('elsewhere/file', { size: 1, modifiedAt: 0 });
    world.tasks[0].status = 'TRAINING';
    world.openUploads.push(
      { key: 'datasets/1/x/raw', startedAt: NOW - 24.9 * HOUR_MS },
      { key: 'models/task_bbbbbbbb/0/s0/w', startedAt: NOW - 1.9 * HOUR_MS },
      { key: 'optimized/dataset_aaaaaaaa_i0/s0/r', startedAt: NOW - 26.9 * HOUR_MS },
    );
  });
  assert.deepEqual(found, []);
});

test('a suspended task, and the rows of a segment that was not accepted, are no violations', () => {
  const suspended = violations('I8', (world) => {
    controlled(world, 'pause', { decidedAfterMs: 2 });
    world.tasks[0].status = 'SUSPENDED';
  });
  const segment = violations('I5', (world) =>
    world.objects.set('optimized/dataset_aaaaaaaa_i0_s1/attempt-1/train.parquet', { size: 1, modifiedAt: 0 }),
  );
  assert.deepEqual([suspended, segment], [[], []]);
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
    '8 events, 2 jobs, 4 objects, 16 requests, 0 faults',
    '2 phases begun, 0 starts of their jobs beyond the first: 0.000 for each',
  ]);
});

test('the arguments name the folder and the log; others are refused', () => {
  const given = parseCheckArguments(['--data-dir', '/tmp/x', '--client-log', '/tmp/log'], {});
  assert.deepEqual(given, { dataDir: '/tmp/x', clientLog: '/tmp/log' });
  assert.equal(parseCheckArguments([], { WLOPS_DATA_DIR: '/tmp/y' }).dataDir, '/tmp/y');
  assert.throws(() => parseCheckArguments(['--folder', 'x'], {}), /usage: check:invariants/);
});
