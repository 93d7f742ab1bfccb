/**
 * The task state machine as one table, used by API, workflow, activities and tests.
 *
 * The user's document gives the nine states and most transitions; the ones it lacks (everything into and out of SUSPENDED but
 * three, failing from PENDING and LOOPING, cancelling from EVALUATING) are argued in docs/decisions/0003.
 * Not covered: which phase a suspended task returns to; the workflow remembers that.
 */

export const TASK_STATUSES = [
  'PENDING',
  'OPTIMIZING',
  'TRAINING',
  'EVALUATING',
  'LOOPING',
  'SUSPENDED',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const;

export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Statuses in which a phase of the loop is being worked on. */
export type LiveStatus = 'OPTIMIZING' | 'TRAINING' | 'EVALUATING' | 'LOOPING';

export type TerminalStatus = 'COMPLETED' | 'FAILED' | 'CANCELLED';

const TRANSITIONS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  PENDING: ['OPTIMIZING', 'CANCELLED', 'FAILED'],
  OPTIMIZING: ['TRAINING', 'FAILED', 'CANCELLED', 'SUSPENDED'],
  TRAINING: ['EVALUATING', 'FAILED', 'CANCELLED', 'SUSPENDED'],
  EVALUATING: ['COMPLETED', 'LOOPING', 'FAILED', 'CANCELLED', 'SUSPENDED'],
  LOOPING: ['OPTIMIZING', 'COMPLETED', 'CANCELLED', 'FAILED', 'SUSPENDED'],
  SUSPENDED: ['OPTIMIZING', 'TRAINING', 'EVALUATING', 'LOOPING', 'CANCELLED', 'FAILED'],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
};

/** True when a task in `from` may become `to`. Staying in the same status is not a transition. */
export function canTransition(from: TaskStatus, to: TaskStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

/** True when nothing may follow `status`. */
export function isTerminal(status: TaskStatus): status is TerminalStatus {
  return TRANSITIONS[status].length === 0;
}

/** The statuses that may follow `status`, in the order of the table. */
export function nextStatuses(status: TaskStatus): readonly TaskStatus[] {
  return TRANSITIONS[status];
}
