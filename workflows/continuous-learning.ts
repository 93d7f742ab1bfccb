/**
 * Mode B: the loop. Each run of the workflow is one iteration; it decides, and continues as new with the state of the next.
 * What the evaluator found wrong with the champion is what the next iteration's data is made for.
 */
import { allHandlersFinished, condition, makeContinueAsNewFunc } from '@temporalio/workflow';
import { stopReason } from '../src/domain/stop-conditions';
import type { StopReason } from '../src/domain/stop-conditions';
import type { TaskOutcome, TaskWorkflowInput } from '../src/contracts/task-workflow';
import { finish } from './final-test';
import { runIteration, type Pass } from './iteration';
import { withTask } from './task-lifecycle';
import type { TaskRun } from './task-run';

/** Improves a model until a stop condition fires. Ends with the champion's scores, as cancelled, or with the task's failure. */
export async function continuousLearning(input: TaskWorkflowInput): Promise<TaskOutcome> {
  return withTask(input, async (run) => {
    const pass = await runIteration(run);
    // Before the decision, so that stop conditions edited while suspended count.
    await run.control.pausePoint('EVALUATING');

    const stop = whyStop(run, pass);
    if (stop) return finish(run, pass, stop);
    return loopAgain(run, pass);
  });
}

/**
 * The rule that ends the loop now, with its numbers, or null. Target and plateau look at the champion, which is what the task hands
 * over: a challenger that was refused reaches no target and is no progress.
 */
function whyStop({ state }: TaskRun, { evaluation }: Pass): StopReason | null {
  const now = Date.now();
  return stopReason(state.stopConditions, {
    iteration: state.iteration,
    score: state.champion?.score ?? evaluation.score,
    higherIsBetter: evaluation.metric.higherIsBetter,
    history: state.championScores ?? state.scoreHistory,
    wallSeconds: (now - state.startedAt - state.pausedMs) / 1000,
    trainingSeconds: state.trainingSeconds,
    now,
  });
}

async function loopAgain({ task, state, record, control }: TaskRun, { iteration }: Pass): Promise<never> {
  record.decided('continue', iteration, {
    score: state.scoreHistory.at(-1),
    championIteration: state.champion?.iteration,
    stopConditions: state.stopConditions,
  });
  await record.transition('LOOPING');
  state.iteration += 1;
  // Right before continuing as new, with nothing awaited in between: what was asked for until here is written, a cancel asked for by
  // signal waits for Temporal's own, and that one is thrown here.
  await condition(() => allHandlersFinished() && record.idle && !control.cancelling);
  return makeContinueAsNewFunc<typeof continuousLearning>()({ task, state });
}
