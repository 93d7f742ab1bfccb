/** How a run hands over to the next one, and when a suspended task does. */
import { allHandlersFinished, condition, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { LoopState, TaskSpec, TaskWorkflowInput } from '../src/contracts/task-workflow';

/**
 * A quarter of what makes the server suggest a new run. A suspended task that is edited a hundred times gets there, and a phase of as
 * many jobs.
 */
const LONG_HISTORY_EVENTS = 1000;

/** Whether this run's history is long enough for the task to go on in another run, at work or suspended. */
export function isLongHistory(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > LONG_HISTORY_EVENTS;
}

/** Of a run what the next one is given, and what it waits for. */
interface LeavingRun {
  task: TaskSpec;
  state: LoopState;
  record: { readonly idle: boolean };
  control: { readonly cancelling: boolean };
}

/**
 * Continues as new, from where the state is. Nothing is awaited in between: what was asked for until here is written, a cancel asked
 * for by signal waits for Temporal's own, and that one is thrown here.
 */
export async function continueInNextRun({ task, state, record, control }: LeavingRun): Promise<never> {
  await condition(() => allHandlersFinished() && record.idle && !control.cancelling);
  return makeContinueAsNewFunc<(input: TaskWorkflowInput) => Promise<unknown>>({
    // Of versioned workers the current version takes the next run, and keeps it.
    initialVersioningBehavior: 'AUTO_UPGRADE',
  })({ task, state });
}
