import { canTransition, isTerminal, nextStatuses, TASK_STATUSES, type TaskStatus } from './task-status';

/** The table of docs/decisions/0003, written out again so that a change of either is noticed. */
const ALLOWED = new Set([
  'PENDING>OPTIMIZING',
  'PENDING>CANCELLED',
  'PENDING>FAILED',
  'OPTIMIZING>TRAINING',
  'OPTIMIZING>FAILED',
  'OPTIMIZING>CANCELLED',
  'OPTIMIZING>SUSPENDED',
  'TRAINING>EVALUATING',
  'TRAINING>FAILED',
  'TRAINING>CANCELLED',
  'TRAINING>SUSPENDED',
  'EVALUATING>COMPLETED',
  'EVALUATING>LOOPING',
  'EVALUATING>FAILED',
  'EVALUATING>CANCELLED',
  'EVALUATING>SUSPENDED',
  'LOOPING>OPTIMIZING',
  'LOOPING>COMPLETED',
  'LOOPING>CANCELLED',
  'LOOPING>FAILED',
  'LOOPING>SUSPENDED',
  'SUSPENDED>OPTIMIZING',
  'SUSPENDED>TRAINING',
  'SUSPENDED>EVALUATING',
  'SUSPENDED>LOOPING',
  'SUSPENDED>CANCELLED',
  'SUSPENDED>FAILED',
]);

const PAIRS = TASK_STATUSES.flatMap((from) => TASK_STATUSES.map((to) => [from, to] as const));

/** Every status that can follow `from`, over any number of steps. */
function reachable(from: TaskStatus): Set<TaskStatus> {
  const seen = new Set<TaskStatus>();
  const waiting: TaskStatus[] = [from];
  for (let status = waiting.pop(); status; status = waiting.pop()) {
    for (const next of nextStatuses(status)) {
      if (!seen.has(next)) waiting.push(next);
      seen.add(next);
    }
  }
  return seen;
}

test.each(PAIRS)('%s to %s is allowed exactly as the table says', (from, to) => {
  expect(canTransition(from, to)).toBe(ALLOWED.has(`${from}>${to}`));
});

test('nothing follows the three ends, and nothing else is an end', () => {
  expect(TASK_STATUSES.filter(isTerminal)).toEqual(['COMPLETED', 'FAILED', 'CANCELLED']);
});

describe.each(TASK_STATUSES.filter((status) => !isTerminal(status)))('a task that is %s', (status) => {
  test('can be cancelled and can fail in one step', () => {
    expect(nextStatuses(status)).toEqual(expect.arrayContaining(['CANCELLED', 'FAILED']));
  });

  test('can still be completed', () => {
    expect(reachable(status)).toContain('COMPLETED');
  });
});

test('a suspended task returns to exactly the statuses that can be suspended', () => {
  const suspendable = TASK_STATUSES.filter((status) => canTransition(status, 'SUSPENDED'));
  const resumable = nextStatuses('SUSPENDED').filter((status) => !isTerminal(status));
  expect([...resumable].sort()).toEqual([...suspendable].sort());
});
