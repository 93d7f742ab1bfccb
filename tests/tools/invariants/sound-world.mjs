// A world in which all invariants hold, for tests that plant something in it.
import { INVARIANTS } from '../../../tools/faults/invariants/judge.mjs';

export const NOW = Date.parse('2026-01-01T12:00:00Z');
export const ago = (seconds) => new Date(NOW - seconds * 1000);
export const HOUR_MS = 3_600_000;
const PATH = ['OPTIMIZING', 'TRAINING', 'EVALUATING', 'COMPLETED'];

/** Two users with a task each, both of the same data and seed and both done; nothing runs. */
export function soundWorld() {
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
    hasClientLog: true,
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
        entry('POST', `/api/tasks/${taskId}/resume`, 202, { taskId }, { at: NOW - 55_000 }),
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
      failureCode: null,
      failureMessage: null,
      failureIsRetryable: false,
      settings: { checkpoint_interval_seconds: 3, maxIterations: 2 },
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
    decisions: own.flatMap(({ taskId }) => [
      { taskId, kind: 'pause', at: NOW - 59_998, facts: { reason: null } },
      { taskId, kind: 'resume', at: NOW - 54_998, facts: { reason: null } },
    ]),
    datasets: own.map((one) => ({
      datasetId: one.datasetId,
      userId: one.userId,
      storagePath: rawKey(one),
      fileSize: 10,
      sha256: 'f00d',
      isOptimized: false,
      isDeleted: false,
      collectedAt: null,
    })),
    objects: new Map(
      own.flatMap((one) => [
        [rawKey(one), { size: 10, modifiedAt: NOW }],
        [model(one), { size: 5, modifiedAt: NOW - 7_200_000 }],
      ]),
    ),
    hashes: new Map(own.map((one) => [rawKey(one), 'f00d'])),
    openUploads: [],
    bounds: { objectMs: 26 * HOUR_MS, uploadMs: 25 * HOUR_MS, partsMs: 2 * HOUR_MS, partsOfRunningMs: 27 * HOUR_MS },
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
      startedAt: NOW - 40_000,
      finishedAt: NOW - 30_000,
    })),
    processes: [],
    runs: own.map(({ taskId }) => ({ workflowId: `wlops-task-${taskId}`, runId: 'r', events: 60, bytes: 20_000 })),
    faults: [],
  };
}

/** What `id` finds after the world was changed. */
export function violations(id, plant) {
  const world = soundWorld();
  plant(world);
  return INVARIANTS.find((one) => one.id === id).check(world);
}

const asked = (method, route, status, body) => ({
  ...{ at: NOW - 20_000, ms: 5, user: 1, method, route: `/api/tasks/task_aaaaaaaa/${route}`, status },
  ...{ body, reply: {} },
});

/** The first task was asked for something some seconds ago, and that was answered. Times count from then. */
export function controlled(world, verb, { secondsAgo = 20, decidedAfterMs, status = 202, reason = null } = {}) {
  const at = NOW - secondsAgo * 1000;
  world.requests.push({ ...asked('POST', verb, status, { reason }), at });
  if (decidedAfterMs !== undefined)
    world.decisions.push({ taskId: 'task_aaaaaaaa', kind: verb, at: at + decidedAfterMs, facts: { reason } });
}

/** The first task is as it is said to be, and came there some seconds ago; undefined: it has not ended. */
export function ended(world, secondsAgo, task) {
  Object.assign(world.tasks[0], { failureCode: null, failureMessage: null, ...task });
  const last = world.events.findLast(({ taskId }) => taskId === 'task_aaaaaaaa');
  Object.assign(last, { payload: { ...last.payload, status: task.status }, createdAt: ago(secondsAgo) });
}

const byOperator = (reason) => ({
  ...{ status: 'FAILED', failureCode: 'FAILED_BY_OPERATOR' },
  failureMessage: `ended as failed by user:1: ${reason}`,
});

/** The first task was ended as failed by its user, and everything agrees. */
export function failed(world) {
  const reason = 'wrong labels';
  controlled(world, 'fail', { reason, decidedAfterMs: 2 });
  ended(world, 19, byOperator(reason));
}

/** A setting of the first task was edited, and everything agrees. */
export function edited(world, what, settings) {
  const after = { ...world.tasks[0].settings, ...settings };
  world.requests.push(asked('PATCH', what, 200, settings));
  world.decisions.push({ taskId: 'task_aaaaaaaa', kind: `edit-${what}`, at: NOW - 20_000, facts: { after } });
  Object.assign(world.tasks[0].settings, settings);
}
