/**
 * Mode B: the loop. A run of the workflow is one iteration, or what is left of one after a pause; it decides, and continues as new with
 * the state of the next.
 * What the evaluator found wrong with the champion is what the next iteration's data is made for.
 */
import { stopReason } from '../src/domain/stop-conditions';
import type { StopReason } from '../src/domain/stop-conditions';
import type { TaskOutcome, TaskWorkflowInput } from '../src/contracts/task-workflow';
import { finish } from './final-test';
import { runIteration, type Evaluated } from './iteration';
import { continueInNextRun } from './next-run';
import { withTask } from './task-lifecycle';
import type { TaskRun } from './task-run';

/** Improves a model until a stop condition fires. Ends with the champion's scores, as cancelled, or with the task's failure. */
export async function continuousLearning(input: TaskWorkflowInput): Promise<TaskOutcome> {
  return withTask(input, async (run) => {
    const evaluated = await runIteration(run);
    if (run.state.finishing) return finish(run, run.state.stopReason);
    // Before the decision, so that stop conditions edited while suspended count.
    await run.control.pausePoint('EVALUATING');

    const stop = whyStop(run, evaluated);
    if (stop) return finish(run, stop);
    return loopAgain(run);
  });
}

/**
 * The rule that ends the loop now, with its numbers, or null. Target and plateau look at the champion, which is what the task hands
 * over: a challenger that was refused reaches no target and is no progress.
 */
function whyStop({ state }: TaskRun, evaluated: Evaluated): StopReason | null {
  const now = Date.now();
  return stopReason(state.stopConditions, {
    iteration: state.iteration,
    score: state.champion?.score ?? evaluated.score,
    higherIsBetter: evaluated.higherIsBetter,
    history: state.championScores ?? state.scoreHistory,
    wallSeconds: (now - state.startedAt - state.pausedMs) / 1000,
    trainingSeconds: state.trainingSeconds,
    now,
  });
}

async function loopAgain(run: TaskRun): Promise<never> {
  const { state, record } = run;
  record.decided('continue', state.iteration, {
    score: state.scoreHistory.at(-1),
    championIteration: state.champion?.iteration,
    stopConditions: state.stopConditions,
  });
  await record.transition('LOOPING');
  state.iteration += 1;
  delete state.pass;
  return continueInNextRun(run);
}
