/**
 * The frame around a task's work: whatever happens inside, the task's row says how it ended, its report is written, and the
 * execution ends once, as completed, cancelled or failed. Faults of our own code are not caught: Temporal retries the workflow
 * task until a worker with the repair comes.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  log,
  TemporalFailure,
} from '@temporalio/workflow';
import { isTerminal } from '../src/domain/task-status';
import type { TaskOutcome, TaskWorkflowInput } from '../src/contracts/task-workflow';
import { writeReport } from './activity-options';
import { taskFailureOf } from './failures';
import { PHASE_OF_STATUS } from './phase-names';
import { openTask, type TaskRun } from './task-run';

/** Opens the task and does `work`; what `work` throws becomes the task's end. Continue-as-new passes through. */
export async function withTask(
  input: TaskWorkflowInput,
  work: (run: TaskRun) => Promise<TaskOutcome>,
): Promise<TaskOutcome> {
  const run = openTask(input);
  try {
    const outcome = await work(run);
    await CancellationScope.nonCancellable(() => close(run));
    return outcome;
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    return CancellationScope.nonCancellable(() => (isCancellation(error) ? cancel(run, error) : fail(run, error)));
  }
}

async function cancel(run: TaskRun, error: TemporalFailure): Promise<never> {
  run.control.cancelled();
  await end(run, 'CANCELLED');
  throw error;
}

async function fail(run: TaskRun, error: TemporalFailure): Promise<never> {
  const failure = taskFailureOf(error, PHASE_OF_STATUS[run.state.status] ?? null);
  run.record.set({ failure });
  await end(run, 'FAILED');
  throw ApplicationFailure.create({
    type: failure.code,
    message: failure.message,
    nonRetryable: true,
    details: [failure],
    cause: error,
  });
}

async function end(run: TaskRun, status: 'CANCELLED' | 'FAILED'): Promise<void> {
  if (!isTerminal(run.state.status)) {
    await run.record.transition(status).catch(ignoreUnwritable);
  }
  await close(run);
}

/** The report is worth a try, not a failed task. A job that could not be stopped in time is waited for here. */
async function close(run: TaskRun): Promise<void> {
  await writeReport({ taskId: run.task.taskId }).catch(ignoreUnwritable);
  await run.stopping;
  await run.record.settled().catch(ignoreUnwritable);
}

/** A row that is gone or refuses the change cannot be helped from here; the execution still ends with its own reason. */
function ignoreUnwritable(error: unknown): void {
  if (!(error instanceof ActivityFailure)) throw error;
  log.error('the end of the task could not be written', { cause: error.cause?.message });
}
