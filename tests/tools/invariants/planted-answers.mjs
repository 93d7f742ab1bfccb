// What clients were told: violations of I1 and I7.
import { edited, NOW } from './sound-world.mjs';

/** @type {[id: string, what: string, plant: (world: any) => void, evidence: RegExp][]} */
export const ANSWERS = [
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
    'a key that made two tasks',
    (world) => {
      world.tasks.push({ ...world.tasks[0], taskId: 'task_cccccccc' });
      world.requests.push({ ...world.requests[2], reply: { taskId: 'task_cccccccc' } });
    },
    /Idempotency-Key of user 1 make was answered with task_aaaaaaaa and task_cccccccc/,
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
  [
    'I1',
    'an edit that the ledger does not know',
    (world) => {
      edited(world, 'hyperparameters', { checkpoint_interval_seconds: 3 });
      world.decisions.pop();
    },
    /PATCH .*hyperparameters → 200, but no decision of the task has it/,
  ],
  [
    'I1',
    'an edit that the row does not know',
    (world) => {
      edited(world, 'stop-conditions', { maxIterations: 2 });
      world.tasks[0].settings.maxIterations = 9;
    },
    /stop-conditions → 200, but the row says .*9/,
  ],
];
