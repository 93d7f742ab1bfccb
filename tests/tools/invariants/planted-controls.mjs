// Controls that were answered with success and are lost: violations of I1, and of I8 where the task rests against its user's last word.
import { controlled, ended, failed } from './sound-world.mjs';

const COMPLETED = { status: 'COMPLETED' };

/** @type {[id: string, what: string, plant: (world: any) => void, evidence: RegExp][]} */
export const CONTROLS = [
  [
    'I1',
    'a pause that the ledger does not know',
    (world) => (world.decisions = world.decisions.filter(({ taskId }) => taskId !== 'task_bbbbbbbb')),
    /task_bbbbbbbb\/pause → 202, but .* no pause/,
  ],
  [
    'I1',
    'a second pause that is lost, though the first one was carried out',
    (world) => controlled(world, 'pause'),
    /task_aaaaaaaa\/pause → 202, but .* no pause just then/,
  ],
  [
    'I1',
    'a second resume that is lost, though the first one was carried out',
    (world) => {
      controlled(world, 'pause', { secondsAgo: 25, decidedAfterMs: 2 });
      controlled(world, 'resume');
    },
    /task_aaaaaaaa\/resume → 202, but .* no resume of its own/,
  ],
  [
    'I1',
    'two resumes at once of which one was carried out',
    (world) => {
      controlled(world, 'resume', { decidedAfterMs: 2 });
      controlled(world, 'resume');
    },
    /task_aaaaaaaa\/resume → 202, but .* no resume of its own$/,
  ],
  [
    'I1',
    'a cancel after which the task goes on',
    (world) => {
      controlled(world, 'cancel');
      world.tasks[0].status = 'TRAINING';
    },
    /goes on, TRAINING/,
  ],
  [
    'I1',
    'a cancel after which the task worked on and completed',
    (world) => {
      controlled(world, 'cancel');
      ended(world, 10, COMPLETED);
    },
    /task_aaaaaaaa\/cancel → 202, but the task is COMPLETED/,
  ],
  [
    'I1',
    'a cancel that the workflow learned of, and after which the task worked on and failed',
    (world) => {
      controlled(world, 'cancel', { decidedAfterMs: 2 });
      ended(world, 10, { status: 'FAILED', failureCode: 'JOB_CRASHED', failureMessage: 'a reason' });
    },
    /cancel → 202, but the task is FAILED \(JOB_CRASHED, a reason\)/,
  ],
  [
    'I1',
    'a cancel that was taken of a task that had ended long before',
    (world) => controlled(world, 'cancel', { secondsAgo: 5 }),
    /cancel → 202, but the task is COMPLETED/,
  ],
  [
    'I1',
    'a fail after which the task completed',
    (world) => {
      failed(world);
      ended(world, 10, COMPLETED);
    },
    /task_aaaaaaaa\/fail → 202, but the task is COMPLETED/,
  ],
  [
    'I1',
    'a fail that the ledger does not know',
    (world) => {
      failed(world);
      world.decisions.pop();
      ended(world, 10, COMPLETED);
    },
    /task_aaaaaaaa\/fail → 202, but .* no fail/,
  ],
  [
    'I1',
    'a fail whose task failed for another reason',
    (world) => {
      failed(world);
      ended(world, 10, { ...world.tasks[0], failureMessage: 'ended as failed by user:1: another' });
    },
    /the task is FAILED \(FAILED_BY_OPERATOR, ended as failed by user:1: another\)/,
  ],
  [
    'I1',
    'a fail whose task failed for the reason of one that came later',
    (world) => {
      failed(world);
      controlled(world, 'fail', { secondsAgo: 15, reason: 'another' });
      world.decisions.at(-1).facts.reason = 'another';
      ended(world, 10, { ...world.tasks[0], failureMessage: 'ended as failed by user:1: another' });
    },
    /the task is FAILED \(FAILED_BY_OPERATOR, ended as failed by user:1: another\)$/,
  ],
  [
    'I1',
    'a fail whose task died of its job',
    (world) => {
      failed(world);
      ended(world, 10, { ...world.tasks[0], failureCode: 'JOB_CRASHED' });
    },
    /the task is FAILED \(JOB_CRASHED/,
  ],
  [
    'I8',
    'a task that rests though it was resumed last',
    (world) => Object.assign(world.tasks[0], { status: 'SUSPENDED', controlState: 'none' }),
    /task_aaaaaaaa is SUSPENDED, though it was resumed last/,
  ],
];
