// Each invariant accepts a sound world, and finds what is planted in it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseCheckArguments } from '../../tools/faults/invariants/check.mjs';
import { extent, INVARIANTS, judge } from '../../tools/faults/invariants/judge.mjs';
import { readJsonLines } from '../../tools/faults/json-lines.mjs';
import { temporaryFolder } from './support.mjs';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (seconds) => new Date(NOW - seconds * 1000);
const PATH = ['OPTIMIZING', 'TRAINING', 'EVALUATING', 'COMPLETED'];

/** Two users with a task each, both of the same data and seed and both done; nothing runs. */
function soundWorld() {
  const own = [
    { taskId: 'task_aaaaaaaa', userId: 1, datasetId: 'dataset_aaaaaaaa' },
    { taskId: 'task_bbbbbbbb', userId: 2, datasetId: 'dataset_bbbbbbbb' },
  ];
  const rawKey = ({ userId, datasetId }) => `datasets/${userId}/${datasetId}/raw`;
  const model = ({ taskId }) => `models/${taskId}/0/s0/manifest.json`;
  const execution = (phase, details = {}) => ({
    iteration: 0,
    phase,
    segment: 0,
    status: 'completed',
    seq: 5,
    score: null,
    weightsSha256: null,
    keys: [],
    ...details,
  });
  let eventId = 0;
  return {
    now: NOW,
    requests: own.flatMap((one) => {
      const { taskId, userId, datasetId } = one;
      const entry = (method, route, status, reply, more = {}) => ({
        at: NOW - 60_000,
        ms: 5,
        user: userId,
        method,
        route,
        status,
        reply,
        ...more,
      });
      return [
        entry('POST', '/api/auth/register', 201, { email: `${userId}@example.org` }),
        entry('POST', '/api/datasets/upload', 201, { datasetId, sha256: 'f00d' }, { key: 'up' }),
        entry('POST', '/api/tasks/standard', 201, { taskId, taskName: `mark0000${userId}` }, { key: 'make' }),
        entry('POST', '/api/tasks/standard', 201, { taskId, taskName: `mark0000${userId}` }, { key: 'make' }),
        entry('POST', `/api/tasks/${taskId}/start`, 202, { taskId }),
        entry('POST', `/api/tasks/${taskId}/pause`, 202, { taskId }),
        entry('GET', '/api/tasks', null, undefined, { error: 'refused' }),
      ];
    }),
    markers: own.map(({ userId }) => ({ user: userId, marker: `mark0000${userId}` })),
    emails: ['1@example.org', '2@example.org'],
    tasks: own.map(({ taskId, userId }) => ({
      taskId,
      userId,
      mode: 'STANDARD',
      status: 'COMPLETED',
      controlState: 'none',
      seq: 5,
      currentIteration: 0,
      startRequestedAt: ago(50),
      fingerprint: 'same',
    })),
    events: own.flatMap(({ taskId }) =>
      PATH.map((status, index) => ({
        taskId,
        id: (eventId += 1),
        seq: index + 2,
        type: 'task.status',
        payload: { from: ['PENDING', ...PATH][index], status },
        createdAt: ago(40 - index * 5),
      })),
    ),
    executions: own.flatMap((one) => [
      { taskId: one.taskId, ...execution('optimization') },
      { taskId: one.taskId, ...execution('training', { weightsSha256: 'beef', keys: [model(one)] }) },
      { taskId: one.taskId, ...execution('evaluation', { score: 0.75 }) },
    ]),
    decisions: own.map(({ taskId }) => ({ taskId, kind: 'pause' })),
    datasets: own.map((one) => ({
      datasetId: one.datasetId,
      userId: one.userId,
      storagePath: rawKey(one),
      fileSize: 10,
      sha256: 'f00d',
      isOptimized: false,
      isDeleted: false,
    })),
    objects: new Map(
      own.flatMap((one) => [
        [rawKey(one), { size: 10, modifiedAt: NOW }],
        [model(one), { size: 5, modifiedAt: NOW - 7_200_000 }],
      ]),
    ),
    hashes: new Map(own.map((one) => [rawKey(one), 'f00d'])),
    openUploads: [],
    jobs: own.map(({ taskId }) => ({
      service: 'trainer',
      jobId: `job_${taskId}`,
      taskId,
      iteration: 0,
      phase: 'training',
      segment: 0,
      state: 'succeeded',
      attempt: 1,
      createdAt: NOW - 40_000,
      finishedAt: NOW - 30_000,
    })),
    processes: [],
    runs: own.map(({ taskId }) => ({ workflowId: `wlops-task-${taskId}`, runId: 'r', events: 60, bytes: 20_000 })),
    faults: [],
  };
}

/** What `id` finds after the world was changed. */
function violations(id, plant) {
  const world = soundWorld();
  plant(world);
  return INVARIANTS.find((one) => one.id === id).check(world);
}

test('a sound world passes all eleven', () => {
  const { lines, passed, failed } = judge(soundWorld());
  assert.deepEqual([passed, failed], [11, 0], lines.join('\n'));
  assert.equal(lines.at(-1), '11 passed, 0 failed');
  assert.deepEqual(
    INVARIANTS.map(({ id }) => id),
    Array.from({ length: 11 }, (_, index) => `I${index + 1}`),
  );
});

/** @type {[id: string, what: string, plant: (world: any) => void, evidence: RegExp][]} */
const PLANTED = [
  [
    'I1',
    'a task that was answered with 201 and is gone',
    (world) => world.tasks.shift(),
    /standard → 201, but the task task_aaaaaaaa is gone/,
  ],
  ['I1', 'a data set that is gone', (world) => (world.datasets[0].isDeleted = true), /dataset_aaaaaaaa is gone/],
  [
    'I1',
    'a data set with other bytes than were answered',
    (world) => (world.datasets[0].sha256 = 'dead'),
    /sha256 dead, not f00d/,
  ],
  ['I1', 'a user who is gone', (world) => world.emails.pop(), /no user 2@example\.org/],
  [
    'I1',
    'a start that the row does not know',
    (world) => (world.tasks[0].startRequestedAt = null),
    /does not know of its start/,
  ],
  [
    'I1',
    'a pause that the ledger does not know',
    (world) => world.decisions.pop(),
    /task_bbbbbbbb\/pause → 202, but .* no pause/,
  ],
  [
    'I1',
    'a cancel after which the task goes on',
    (world) => {
      world.requests.push({
        at: NOW,
        ms: 1,
        user: 1,
        method: 'POST',
        route: '/api/tasks/task_aaaaaaaa/cancel',
        status: 202,
        reply: {},
      });
      world.tasks[0].status = 'TRAINING';
    },
    /goes on, TRAINING/,
  ],
  [
    'I1',
    'a key that made two tasks',
    (world) => {
      world.tasks.push({ ...world.tasks[0], taskId: 'task_cccccccc' });
      world.requests.push({ ...world.requests[2], reply: { taskId: 'task_cccccccc' } });
    },
    /Idempotency-Key of user 1 make was answered with task_aaaaaaaa and task_cccccccc/,
  ],
  [
    'I2',
    'a step that the table does not have',
    (world) => {
      world.events.splice(1, 1);
      world.events[1].payload.from = 'OPTIMIZING';
    },
    /task_aaaaaaaa at 4 went from OPTIMIZING to EVALUATING/,
  ],
  ['I2', 'a gap between two events', (world) => world.events.splice(1, 1), /comes from TRAINING, but was OPTIMIZING/],
  [
    'I2',
    'a life after the end',
    (world) => {
      world.events.push({ ...world.events[3], id: 99, seq: 6, payload: { from: 'COMPLETED', status: 'FAILED' } });
    },
    /went from COMPLETED to FAILED/,
  ],
  [
    'I2',
    'a row that says other than its events',
    (world) => (world.tasks[0].status = 'FAILED'),
    /is FAILED, its events end with COMPLETED/,
  ],
  [
    'I3',
    'a phase with two accepted segments',
    (world) => world.executions.push({ ...world.executions[1], segment: 1 }),
    /task_aaaaaaaa\/0\/training was accepted in the segments 0 and 1/,
  ],
  [
    'I3',
    'a completed task without an evaluation',
    (world) => world.executions.splice(2, 1),
    /0\/evaluation has no accepted output/,
  ],
  [
    'I3',
    'an accepted output whose object is gone',
    (world) => world.objects.delete('models/task_bbbbbbbb/0/s0/manifest.json'),
    /names models\/task_bbbbbbbb.*not there/,
  ],
  [
    'I4',
    'a job that runs for a task that is over',
    (world) => {
      world.jobs[0].state = 'running';
      world.jobs[0].finishedAt = null;
    },
    /trainer has job_task_aaaaaaaa running for task_aaaaaaaa/,
  ],
  [
    'I4',
    'a process of a job that is over',
    (world) => world.processes.push({ pid: 77, service: 'trainer', folder: 'job_task_aaaaaaaa' }),
    /process 77 of the trainer/,
  ],
  [
    'I4',
    'a process of a job that nobody knows',
    (world) => world.processes.push({ pid: 78, service: 'trainer', folder: 'job_x' }),
    /process 78 .* over or unknown/,
  ],
  [
    'I4',
    'an upload that stays open',
    (world) => world.openUploads.push({ key: 'models/task_aaaaaaaa/0/s0/attempt-1/w', startedAt: NOW - 60_000 }),
    /still being uploaded/,
  ],
  [
    'I5',
    'a data set without its object',
    (world) => world.objects.delete('datasets/1/dataset_aaaaaaaa/raw'),
    /dataset_aaaaaaaa: .* is not there/,
  ],
  [
    'I5',
    'an object that is cut short',
    (world) => (world.objects.get('datasets/1/dataset_aaaaaaaa/raw').size = 9),
    /has 9 bytes, not 10/,
  ],
  [
    'I5',
    'an object with other bytes',
    (world) => world.hashes.set('datasets/1/dataset_aaaaaaaa/raw', 'dead'),
    /has the sha256 dead/,
  ],
  [
    'I5',
    'an old object that nothing owns',
    (world) => world.objects.set('models/task_zzzzzzzz/0/s0/w', { size: 1, modifiedAt: NOW - 3_700_000 }),
    /task_zzzzzzzz.*belongs to nothing/,
  ],
  [
    'I5',
    'parts of an upload that nobody swept',
    (world) => world.openUploads.push({ key: 'datasets/1/x/raw', startedAt: NOW - 3_700_000 }),
    /uploaded for more than an hour/,
  ],
  ['I6', 'a transition that was not told', (world) => (world.tasks[0].seq = 6), /is at 6, its events end at 5/],
  [
    'I6',
    'events in the wrong order',
    (world) => {
      [world.events[0].seq, world.events[1].seq] = [3, 2];
    },
    /told 2 after 3/,
  ],
  [
    'I6',
    'a transition that was told twice',
    (world) => world.events.push({ ...world.events[3], id: 99 }),
    /told 5 twice/,
  ],
  [
    'I7',
    'an id of another user in a list',
    (world) =>
      world.requests.push({
        at: NOW,
        ms: 1,
        user: 2,
        method: 'GET',
        route: '/api/tasks',
        status: 200,
        reply: { items: [{ taskId: 'task_aaaaaaaa' }] },
      }),
    /shows user 2 task_aaaaaaaa of user 1/,
  ],
  [
    'I7',
    'bytes of another user in a download',
    (world) =>
      world.requests.push({
        at: NOW,
        ms: 1,
        user: 1,
        method: 'GET',
        route: '/x',
        status: 200,
        reply: 'text,label\nhello mark00002 there,a',
      }),
    /shows user 1 mark00002 of user 2/,
  ],
  ['I8', 'a task that hangs', (world) => (world.tasks[0].status = 'TRAINING'), /task_aaaaaaaa is TRAINING/],
  ['I8', 'a start that nobody carried out', (world) => (world.tasks[0].status = 'PENDING'), /task_aaaaaaaa is PENDING/],
  [
    'I8',
    'a resume that never comes through',
    (world) => Object.assign(world.tasks[0], { status: 'SUSPENDED', controlState: 'resuming' }),
    /SUSPENDED, resuming/,
  ],
  ['I9', 'a history of many events', (world) => (world.runs[0].events = 2049), /has 2049 events/],
  ['I9', 'a history of many bytes', (world) => (world.runs[1].bytes = 3_000_000), /3000000 bytes/],
  [
    'I10',
    'a job that was started again for no reason',
    (world) => (world.jobs[0].attempt = 2),
    /task_aaaaaaaa\/0\/training was started 2 times, with 0 faults/,
  ],
  [
    'I10',
    'a second segment for no reason',
    (world) => world.jobs.push({ ...world.jobs[1], jobId: 'job_2', segment: 1 }),
    /task_bbbbbbbb\/0\/training was started 2 times/,
  ],
  [
    'I11',
    'other weights than the run of the same seed',
    (world) => (world.executions[1].weightsSha256 = 'cafe'),
    /training: cafe in task_aaaaaaaa; beef in task_bbbbbbbb/,
  ],
  ['I11', 'another score', (world) => (world.executions[2].score = 0.7), /evaluation: 0\.7 in task_aaaaaaaa; 0\.75/],
];

for (const [id, what, plant, evidence] of PLANTED) {
  test(`${id} finds ${what}`, () => assert.match(violations(id, plant).join('\n'), evidence));
}

test('every invariant has a planted violation', () => {
  const ids = new Set(PLANTED.map(([id]) => id));
  assert.deepEqual(
    [...ids],
    INVARIANTS.map(({ id }) => id),
  );
});

test('work that a fault or a pause explains, and a suspended task, are no violations', () => {
  const fault = violations('I10', (world) => {
    world.jobs[0].attempt = 2;
    world.faults.push({ at: NOW - 35_000, target: 'trainer' });
  });
  const paused = violations('I10', (world) => {
    world.jobs[0].state = 'paused';
    world.jobs.push({ ...world.jobs[0], jobId: 'job_2', segment: 1, state: 'succeeded' });
  });
  const suspended = violations('I8', (world) => (world.tasks[0].status = 'SUSPENDED'));
  const segment = violations('I5', (world) =>
    world.objects.set('optimized/dataset_aaaaaaaa_i0_s1/attempt-1/train.parquet', { size: 1, modifiedAt: 0 }),
  );
  assert.deepEqual([fault, paused, suspended, segment], [[], [], [], []]);
});

test('a fault long before the job explains nothing', () => {
  const found = violations('I10', (world) => {
    world.jobs[0].attempt = 2;
    world.faults.push({ at: NOW - 600_000, target: 'trainer' });
  });
  assert.equal(found.length, 1);
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
