/** One phase of an iteration: wait if paused, enter the status, run its jobs, note how each went. */
import { CancellationScope, type ActivityOptions } from '@temporalio/workflow';
import type { EvaluateResult, OptimizeResult, TrainResult } from '../src/contracts/jobs';
import type { ExecutionPhase, ExecutionRecord } from '../src/contracts/task-record';
import type { PhaseState } from '../src/contracts/task-workflow';
import { SERVICE_OF_PHASE, STATUS_OF_PHASE } from './phase-names';
import { inSegments } from './segments';
import type { TaskRun } from './task-run';

type PhaseResult = OptimizeResult | TrainResult | EvaluateResult;

interface PhaseWork<Result> {
  /** Runs the job of one segment to its end. */
  start: (at: PhaseState, where: ActivityOptions) => Promise<Result>;
  /** What the finished execution's row shows. */
  outcome: (result: Result, segment: number) => Partial<ExecutionRecord>;
}

/** Runs a phase of the current iteration and answers with its result and the segment that made it. */
export async function runPhase<Result extends PhaseResult>(
  run: TaskRun,
  phase: ExecutionPhase,
  work: PhaseWork<Result>,
): Promise<{ result: Result; segment: number }> {
  const { record, control, state } = run;
  const status = STATUS_OF_PHASE[phase];
  await control.pausePoint(status);

  const execution = (at: PhaseState, changes: Partial<ExecutionRecord>) =>
    record.execution({ ...newExecution(state.iteration, phase, at), ...changes });
  const { result, at } = await inSegments(run, {
    service: SERVICE_OF_PHASE[phase],
    phase,
    iteration: state.iteration,
    status,
    run: (at, where) => {
      at.startedAt ??= Date.now();
      execution(at, {});
      // The job does not wait for the row: a database that is down idles no GPU.
      return besides(record.enter(status), () => work.start(at, where));
    },
    ended: (at, { how, failure, restarts }) =>
      execution(at, { status: how, failure, details: restarts ? { restarts } : null, completedAt: Date.now() }),
  });
  execution(at, {
    status: 'completed',
    details: result,
    completedAt: Date.now(),
    ...work.outcome(result, at.segment),
  });
  return { result, segment: at.segment };
}

/** Runs a job while something is being written; when the write fails the job is called off. */
export async function besides<Result>(written: Promise<void>, start: () => Promise<Result>): Promise<Result> {
  const scope = new CancellationScope();
  try {
    const [result] = await Promise.all([scope.run(start), written]);
    return result;
  } catch (error) {
    scope.cancel();
    throw error;
  }
}

function newExecution(iteration: number, phase: ExecutionPhase, { segment, startedAt }: PhaseState): ExecutionRecord {
  return {
    iteration,
    phase,
    segment,
    status: 'running',
    inputDatasetId: null,
    outputDatasetId: null,
    modelPath: null,
    evaluationPath: null,
    score: null,
    details: null,
    failure: null,
    startedAt: startedAt ?? Date.now(),
    completedAt: null,
  };
}
