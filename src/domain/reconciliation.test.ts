import { CLOSED_STATES, MIN_JOB_AGE_MS, orphanReason, OWNER_GONE_MS, verdictOf, type JobOwner } from './reconciliation';
import { canTransition, isTerminal, TASK_STATUSES } from './task-status';

const NOW = new Date('2030-01-01T12:00:00Z');
const ago = (ms: number): Date => new Date(NOW.getTime() - ms);
const old = { createdAt: ago(MIN_JOB_AGE_MS), segment: 1 };

test('every end of a workflow has a verdict that every live status allows, with a code of its own', () => {
  const codes = CLOSED_STATES.map((state) => {
    const { status, failure } = verdictOf({ state, reason: null });
    for (const from of TASK_STATUSES.filter((one) => !isTerminal(one))) expect(canTransition(from, status)).toBe(true);
    expect(status === 'CANCELLED').toBe(state === 'CANCELLED');
    expect(failure === null).toBe(state === 'CANCELLED');
    return failure?.code ?? 'none';
  });
  expect(new Set(codes).size).toBe(CLOSED_STATES.length);
});

test('a reason that Temporal was given is told', () => {
  expect(verdictOf({ state: 'TERMINATED', reason: 'cleaning up' }).failure).toMatchObject({
    code: 'WORKFLOW_TERMINATED',
    message: expect.stringContaining('cleaning up'),
  });
});

const owner = (
  status: (typeof TASK_STATUSES)[number],
  changedMsAgo: number,
  workflow: JobOwner['workflow'],
  newestSegment: number | null = null,
) => {
  const changed = ago(changedMsAgo);
  return {
    task: { status, completedAt: isTerminal(status) ? changed : null, updatedAt: changed },
    workflow,
    newestSegment,
  };
};

test.each<[string, JobOwner, string | null]>([
  ['no row', { task: null, workflow: 'NOT_FOUND', newestSegment: null }, 'no task has this id'],
  ['an ended task', owner('FAILED', OWNER_GONE_MS + 1, 'FAILED'), 'its task is FAILED'],
  ['a task that ended just now and still stops it', owner('CANCELLED', OWNER_GONE_MS, 'goes on'), null],
  ['a suspended task', owner('SUSPENDED', OWNER_GONE_MS + 1, 'goes on'), 'its task is SUSPENDED'],
  ['a task suspended just now', owner('SUSPENDED', OWNER_GONE_MS, 'goes on'), null],
  ['a workflow that is over', owner('TRAINING', 0, 'TERMINATED'), 'the workflow of its task has ended: TERMINATED'],
  ['a workflow nobody knows, of a live task', owner('TRAINING', 0, 'NOT_FOUND'), null],
  ['a task at work', owner('TRAINING', 3_600_000, 'goes on'), null],
  ['a task at work on this very segment', owner('TRAINING', 0, 'goes on', 1), null],
  ['a task at work on the next segment', owner('TRAINING', 0, 'goes on', 2), 'segment 2 has taken its place'],
])('a live job of %s', (_, of, reason) => {
  expect(orphanReason(old, of, NOW)).toBe(reason);
  expect(orphanReason({ ...old, createdAt: ago(MIN_JOB_AGE_MS - 1) }, of, NOW)).toBeNull();
});
