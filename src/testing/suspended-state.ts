/** What a run hands over whose task was suspended once its iteration was scored. */
import { evaluationRequest, optimizationRequest, trainingRequest } from '../../workflows/job-requests';
import type { LoopState, TaskSpec } from '../contracts/task-workflow';
import { evaluateResult, optimizeResult, trainResult } from './job-results';

const FIRST = { segment: 0, checkpoint: null };

/** `finishing`: in the middle of the final test, whose first job was called off. */
export function suspendedState(task: TaskSpec, finishing: boolean): LoopState {
  const at = Date.now();
  const subject = { task, state: { iteration: 0, champion: null, split: null, taskType: null } as never };
  const optimization = optimizeResult(optimizationRequest(subject, FIRST));
  const training = trainResult(trainingRequest(subject, FIRST, optimization));
  const evaluation = evaluateResult(evaluationRequest(subject, FIRST, optimization, training), 0.5);
  const { mine, select, test, recipe, train, split } = optimization;
  const { model, modelPath } = training;
  const { score, improvementsFile } = evaluation;
  return {
    ...{ stateVersion: 1, iteration: 0, seq: 20, status: 'SUSPENDED', taskType: 'classification', split },
    heldOut: { mine, select, test },
    champion: { iteration: 0, score, model, modelPath, recipe, improvementsFile, outcomes: null, train },
    ...{ currentDatasetId: null, scoreHistory: [0.5], championScores: [0.5], trainingSeconds: 0 },
    ...{ startedAt: at - 60_000, pausedMs: 0, paused: { reason: null, actor: 'operator', requestedAt: at } },
    suspension: { by: 'operator', reason: null, requestedAt: at, since: at, resumesTo: 'EVALUATING' },
    ...{ stopConditions: task.stopConditions, stopReason: null, finishing },
    pass: { optimization, training, evaluation: { score, higherIsBetter: true } },
    phase: finishing ? { phase: 'final', segment: 1, startedAt: null, faults: 0, attempts: 1, checkpoint: null } : null,
  };
}
