/** Rows of a finished loop, as a report is made from. Tests change what they care about. */
import { evaluationRequest, optimizationRequest, trainingRequest } from '../../workflows/job-requests';
import type { ExecutionRowFacts, ReportSource } from '../reports/report';
import { evaluateResult, optimizeResult, taskSpec, trainResult } from './job-results';

const AT = new Date('2030-01-01T00:00:00Z');
const FIRST = { segment: 0, checkpoint: null };
const LATER = new Date('2030-01-01T00:00:12.500Z');

/** One iteration per score, all from the first's findings; the error rate of `label = rare` is 0.8, then 0.5, then 0.2. */
export function reportSource(scores: number[], overrides: Partial<ReportSource['task']> = {}): ReportSource {
  const task = taskSpec({ taskId: 'task_r' });
  const executions = scores.flatMap((score, iteration): ExecutionRowFacts[] => {
    const state = { iteration, champion: null, split: null, taskType: null } as never;
    const base = { iteration, segment: 0, status: 'completed', failure: null, startedAt: AT, completedAt: LATER };
    const paths = { outputDatasetId: null, modelPath: null, evaluationPath: null };
    const request = {
      ...optimizationRequest({ task, state }, FIRST),
      feedback: iteration ? { key: 'f', sha256: '' } : null,
    };
    const optimization = optimizeResult(request);
    const training = trainResult(trainingRequest({ task, state }, FIRST, optimization));
    const rare = { support: 12, errorRate: 0.8 - 0.3 * iteration, lift: 2 };
    const evaluation = evaluateResult(evaluationRequest({ task, state }, FIRST, optimization, training), score, {
      slices: [{ name: 'label = rare', ...rare, qValue: 0.01 }],
      improvements: [{ id: 'imp-1', kind: 'augment', slice: 'label = rare', ...rare, gainBound: 0.1 }],
    });
    return [
      { ...base, ...paths, phase: 'optimization', outputDatasetId: `dataset_r_i${iteration}`, details: optimization },
      { ...base, ...paths, phase: 'training', modelPath: training.modelPath, details: training },
      { ...base, ...paths, phase: 'evaluation', evaluationPath: evaluation.report.key, details: evaluation },
    ];
  });
  return {
    task: {
      id: 9n,
      taskId: 'task_r',
      taskName: 'a task',
      taskMode: 'CONTINUOUS',
      status: 'COMPLETED',
      controlState: 'none',
      modelName: 'builtin:classifier',
      datasetId: 'dataset_1',
      validationDatasetId: null,
      testDatasetId: null,
      poolDatasetId: null,
      currentDatasetId: null,
      userId: 1,
      currentIteration: scores.length - 1,
      maxIterations: 5,
      performanceThreshold: 0.9,
      stopPolicies: {},
      operators: {},
      hyperparameters: {},
      seed: 7,
      metric: null,
      taskType: 'classification',
      latestModelPath: null,
      latestEvaluationPath: null,
      latestScore: scores.at(-1) ?? null,
      metricInfo: { name: 'accuracy', higherIsBetter: true },
      championIteration: 1,
      progress: null,
      stopReason: null,
      failure: null,
      controlReason: null,
      suspension: null,
      testResult: null,
      createdAt: AT,
      startRequestedAt: AT,
      workflowStartedAt: AT,
      completedAt: LATER,
      updatedAt: LATER,
      ...overrides,
    },
    executions,
    decisions: [{ seq: 3, iteration: 0, kind: 'promote', facts: { rule: 'larger' }, actor: 'workflow', decidedAt: AT }],
    uploads: [{ datasetId: 'dataset_1', sha256: 'c'.repeat(64) }],
  };
}

/** What a service answered in a phase of an iteration, to be changed in place. */
export function detailsOf<Result>(source: ReportSource, iteration: number, phase: string): Result {
  const row = source.executions.find((one) => one.iteration === iteration && one.phase === phase);
  if (!row) throw new Error(`the source has no ${phase} of iteration ${iteration}`);
  return row.details as Result;
}
