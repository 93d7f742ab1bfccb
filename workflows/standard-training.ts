/** Mode A: one pass of optimize → train → evaluate, the sealed test, done. */
import type { TaskOutcome, TaskWorkflowInput } from '../src/contracts/task-workflow';
import { finish } from './final-test';
import { runIteration } from './iteration';
import { withTask } from './task-lifecycle';

/** Trains one model. Ends with its scores, as cancelled, or with the failure that the task's row shows. */
export async function standardTraining(input: TaskWorkflowInput): Promise<TaskOutcome> {
  return withTask(input, async (run) => {
    await runIteration(run);
    if (!run.state.finishing) await run.control.pausePoint('EVALUATING');
    return finish(run, null);
  });
}
