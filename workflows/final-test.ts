/** The end of a task that did its work: the champion is scored once on the sealed test rows, and the task is completed. */
import { patched, type ActivityOptions } from '@temporalio/workflow';
import type { EvaluateRequest, EvaluateResult } from '../src/contracts/jobs';
import type { Champion } from '../src/domain/champion';
import type { StopReason } from '../src/domain/stop-conditions';
import type { TestResult } from '../src/contracts/task-record';
import type { TaskOutcome } from '../src/contracts/task-workflow';
import { evaluateModel } from './activity-options';
import { finalEvaluationRequest } from './job-requests';
import { PATCHES } from './patches';
import { besides } from './phase';
import { inSegments } from './segments';
import type { TaskRun } from './task-run';

/** Completes the task. `reason` names the rule that ended a loop; a STANDARD task has none. */
export async function finish(run: TaskRun, reason: StopReason | null): Promise<TaskOutcome> {
  const { task, state, record, control } = run;
  const champion = state.champion;
  if (!champion) throw new Error('a task cannot finish before its first evaluation');
  if (reason && !state.finishing) {
    state.stopReason = reason;
    record.decided('stop', state.iteration, { ...reason });
    record.set({ stopReason: reason });
  }
  state.finishing = true;

  const testResult = await readTest(run, champion);
  await control.endPoint();
  await record.transition('COMPLETED');
  return {
    taskId: task.taskId,
    iterations: state.iteration + 1,
    champion: { iteration: champion.iteration, score: champion.score.value, modelPath: champion.modelPath },
    testScore: testResult?.score ?? null,
    stopReason: reason,
  };
}

/** Scores the champion on the sealed rows; null when the task has none. The read and its number go to the ledger. */
async function readTest(run: TaskRun, champion: Champion): Promise<TestResult | null> {
  const { state, record } = run;
  const test = state.heldOut?.test;
  if (!test) return null;

  // A run that goes on for another may begin here: suspended, or with a pause or a `fail` that came while that one left.
  const isToPause = state.paused !== null && patched(PATCHES.finalTestHearsPause);
  const isToFail = state.failing && record.followsAnswers;
  if (state.status === 'SUSPENDED' || isToPause || isToFail) await run.control.pausePoint('EVALUATING');
  const { result: evaluation, at } = await inSegments(run, {
    service: 'evaluator',
    phase: 'final',
    iteration: champion.iteration,
    status: 'EVALUATING',
    run: (at, where) => score(run, finalEvaluationRequest(run, at, champion, test), where),
  });
  const { value, low, high, samples, unscored } = evaluation.score;
  const result: TestResult = {
    score: value,
    low,
    high,
    samples,
    unscored,
    reads: at.attempts + (evaluation.attempts ?? 1),
    iteration: champion.iteration,
    evaluationPath: evaluation.report.key,
    contamination: evaluation.contamination ?? null,
  };
  record.decided('read-test', state.iteration, { ...result, testSha256: test.sha256 });
  record.set({ testResult: result });
  return result;
}

function score(run: TaskRun, request: EvaluateRequest, where: ActivityOptions): Promise<EvaluateResult> {
  return besides(run.record.write(), () =>
    evaluateModel.executeWithOptions({ ...where, summary: `final test · champion of iteration ${request.iteration}` }, [
      request,
    ]),
  );
}
