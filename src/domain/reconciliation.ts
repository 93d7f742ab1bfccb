/**
 * What rows, workflows and jobs that contradict each other come to. Pure. The workflow owns a task's status: where it has ended without
 * its row, the row follows; where a job serves nobody any more, it is an orphan. Not covered: who looks, and who writes.
 */
import { isTerminal, type TaskStatus } from './task-status';

/** What Temporal says of a task's latest run; `NOT_FOUND` is ours. Names that are not here are of runs that go on. */
export const CLOSED_STATES = ['COMPLETED', 'FAILED', 'CANCELLED', 'TERMINATED', 'TIMED_OUT', 'NOT_FOUND'] as const;

export type ClosedState = (typeof CLOSED_STATES)[number];

/** A task's workflow as Temporal has it. */
export interface WorkflowEnd {
  state: ClosedState;
  /** What Temporal was told as the reason; null where it knows none. */
  reason: string | null;
}

/** How a row ends whose workflow has ended without it. */
export interface Verdict {
  status: 'FAILED' | 'CANCELLED';
  /** Null for a cancelled task, which has not failed. */
  failure: { code: string; message: string } | null;
}

const FAILURES: Readonly<Record<Exclude<ClosedState, 'CANCELLED'>, { code: string; message: string }>> = {
  TERMINATED: {
    code: 'WORKFLOW_TERMINATED',
    message:
      'the workflow of this task was terminated in Temporal; what its finished iterations made is kept: ' +
      'create the task anew to go on, and cancel a task rather than terminate it',
  },
  FAILED: {
    code: 'WORKFLOW_FAILED',
    message:
      'the workflow of this task failed without having been able to write so; the reason is in details and in the Temporal UI: ' +
      'create the task anew once it is mended',
  },
  TIMED_OUT: {
    code: 'WORKFLOW_TIMED_OUT',
    message: 'Temporal ended the workflow of this task at a time limit, which WLOps sets none of: create the task anew',
  },
  COMPLETED: {
    code: 'WORKFLOW_UNRECORDED',
    message:
      'the workflow of this task completed, but its last records are missing here, as after the database was restored from a backup: ' +
      'its results are in the Temporal UI and in the bucket; create the task anew to have them recorded',
  },
  NOT_FOUND: {
    code: 'WORKFLOW_LOST',
    message:
      'Temporal does not know the workflow of this task, as after its database was lost or another server or namespace was set: create the task anew',
  },
};

/** What the row of a live task comes to whose workflow has ended. */
export function verdictOf({ state, reason }: WorkflowEnd): Verdict {
  if (state === 'CANCELLED') return { status: 'CANCELLED', failure: null };
  const { code, message } = FAILURES[state];
  return { status: 'FAILED', failure: { code, message: reason ? `${message} (reason: ${reason})` : message } };
}

/** A job younger than this may be ahead of its task's row. */
export const MIN_JOB_AGE_MS = 60_000;

/** A task that has ended or was suspended stops its job itself; after this long it has not managed to. */
export const OWNER_GONE_MS = 30_000;

/** Whose a job is: its task's row, and whether the task's workflow goes on. */
export interface JobOwner {
  task: { status: TaskStatus; completedAt: Date | null; updatedAt: Date } | null;
  workflow: 'goes on' | ClosedState;
  /** The newest segment of the job's phase in its iteration; null where no row tells. */
  newestSegment: number | null;
}

/** Why nobody waits for a live job any more, in words; null when somebody may. */
export function orphanReason(
  job: { createdAt: Date; segment: number },
  { task, workflow, newestSegment }: JobOwner,
  now: Date,
): string | null {
  const isLongAgo = (date: Date) => now.getTime() - date.getTime() > OWNER_GONE_MS;
  if (now.getTime() - job.createdAt.getTime() < MIN_JOB_AGE_MS) return null;
  if (!task) return 'no task has this id';
  if (isTerminal(task.status) && isLongAgo(task.completedAt ?? task.updatedAt)) return `its task is ${task.status}`;
  if (task.status === 'SUSPENDED' && isLongAgo(task.updatedAt)) return 'its task is SUSPENDED';
  // A service that was away for long when its job was to be stopped has it still, while the next one is under way.
  if (newestSegment !== null && job.segment < newestSegment) return `segment ${newestSegment} has taken its place`;
  // Of a task that is live and that Temporal does not know the row ends first: the server may be another one.
  return workflow === 'goes on' || workflow === 'NOT_FOUND' ? null : `the workflow of its task has ended: ${workflow}`;
}
