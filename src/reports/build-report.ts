/** From the rows of a task to its report. Pure: the same rows give the same report, also while the task runs. */
import type { EvaluateResult, OptimizeResult, TrainResult } from '../contracts/jobs';
import type { TestResult } from '../contracts/task-record';
import { differenceInterval } from '../domain/intervals';
import { VERSION } from '../version';
import type {
  DecisionRowFacts,
  ExecutionRowFacts,
  Report,
  ReportApplied,
  ReportDecision,
  ReportIteration,
  ReportLineage,
  ReportSource,
} from './report';
import { presentTask, type TaskRowFacts } from './task-view';

/** The finished executions of one iteration; details are as the services gave them, parsed when they came. */
interface IterationFacts {
  iteration: number;
  optimization: { row: ExecutionRowFacts; result: OptimizeResult } | null;
  training: { row: ExecutionRowFacts; result: TrainResult } | null;
  evaluation: { row: ExecutionRowFacts; result: StoredEvaluation } | null;
}

/** A row of an older version lacks what came later. */
type StoredEvaluation = Omit<EvaluateResult, 'errorRates'> & Partial<Pick<EvaluateResult, 'errorRates'>>;

/** The report of a task. Iterations that have begun are listed even when nothing of them is finished. */
export function buildReport({ task, executions, decisions, datasetSha256 }: ReportSource): Report {
  const facts = byIteration(executions);
  const test = task.testResult as TestResult | null;
  return {
    task: presentTask(task),
    metric: task.metricInfo as Report['metric'],
    iterations: facts.map((one) => presentIteration(one, learnedFrom(one, facts, decisions), task.championIteration)),
    test: test && { score: test.score, low: test.low, high: test.high, samples: test.samples, reads: test.reads },
    decisions: decisions.map(presentDecision),
    lineage: lineage(task, facts, datasetSha256),
  };
}

/** Key of what the evaluator wrote about the champion beyond its result; null before the first evaluation. */
export function championEvaluationKey({ task, executions }: Pick<ReportSource, 'task' | 'executions'>): string | null {
  const row = executions.findLast(
    ({ phase, iteration, evaluationPath }) =>
      phase === 'evaluation' && iteration === task.championIteration && evaluationPath,
  );
  return row?.evaluationPath ?? null;
}

function byIteration(executions: readonly ExecutionRowFacts[]): IterationFacts[] {
  const numbers = [...new Set(executions.map((row) => row.iteration))].sort((a, b) => a - b);
  return numbers.map((iteration) => {
    const finished = (phase: string) =>
      executions.findLast(
        (row) =>
          row.iteration === iteration && row.phase === phase && row.status === 'completed' && row.details !== null,
      );
    const optimization = finished('optimization');
    const training = finished('training');
    const evaluation = finished('evaluation');
    return {
      iteration,
      optimization: optimization ? { row: optimization, result: optimization.details as OptimizeResult } : null,
      training: training ? { row: training, result: training.details as TrainResult } : null,
      evaluation: evaluation ? { row: evaluation, result: evaluation.details as StoredEvaluation } : null,
    };
  });
}

function presentIteration(
  facts: IterationFacts,
  source: IterationFacts | null,
  championIteration: number | null,
): ReportIteration {
  const { iteration, optimization, training, evaluation } = facts;
  const score = evaluation?.result.score;
  return {
    iteration,
    score: score?.value ?? null,
    low: score?.low ?? null,
    high: score?.high ?? null,
    samples: score?.samples ?? null,
    champion: iteration === championIteration,
    datasetId: optimization?.row.outputDatasetId ?? null,
    modelPath: training?.row.modelPath ?? null,
    rows: optimization?.result.train.rows ?? null,
    steps:
      optimization?.result.steps.map(({ name, rowsIn, rowsOut, removed }) => ({ name, rowsIn, rowsOut, removed })) ??
      null,
    files: optimization?.result.files?.length ? optimization.result.files : null,
    leakage: optimization?.result.leakage ?? null,
    labelIssues: optimization?.result.labelIssues ?? null,
    slices: evaluation?.result.slices ?? null,
    improvements:
      evaluation?.result.improvements.map(({ id, kind, slice, support, gainBound }) => ({
        id,
        kind,
        slice,
        support,
        gainBound,
      })) ?? null,
    applied: optimization
      ? optimization.result.applied.map((one) => ({ ...one, ...upliftOf(one, source, facts) }))
      : null,
    controlArm: null,
    secondary: evaluation?.result.secondary ?? null,
    badCases: evaluation?.result.badCases ?? null,
    trainLoss: training?.result.trainLoss ?? null,
    mineLoss: training?.result.mineLoss ?? null,
    lossCurve: training?.result.lossCurve ?? null,
    seconds: {
      optimization: optimization
        ? (optimization.result.seconds ?? sum(optimization.result.steps.map((step) => step.seconds)))
        : null,
      training: training?.result.seconds ?? null,
      evaluation: evaluation?.result.seconds ?? null,
    },
  };
}

/** The iteration whose findings this one applies: the champion's, as it stood when this one was optimised. */
function learnedFrom(
  { iteration }: IterationFacts,
  all: readonly IterationFacts[],
  decisions: readonly DecisionRowFacts[],
): IterationFacts | null {
  const promoted = decisions.findLast((one) => one.kind === 'promote' && one.iteration < iteration);
  return all.find((one) => one.iteration === promoted?.iteration) ?? null;
}

/** Compares the slice in the evaluation that found it with the same part of the rows in this iteration's evaluation. */
function upliftOf(
  { id, rows }: OptimizeResult['applied'][number],
  source: IterationFacts | null,
  { evaluation }: IterationFacts,
): Pick<ReportApplied, 'uplift' | 'low' | 'high'> {
  const unknown = { uplift: null, low: null, high: null };
  const found = source?.evaluation?.result.improvements.find((improvement) => improvement.id === id);
  if (!found || !evaluation || rows === 0) return unknown;
  const { slices, errorRates = [] } = evaluation.result;
  const now = [...slices, ...errorRates].find(({ name }) => name === found.slice);
  return now ? { uplift: found.errorRate - now.errorRate, ...differenceInterval(found, now) } : unknown;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function presentDecision({ seq, iteration, kind, facts, actor, decidedAt }: DecisionRowFacts): ReportDecision {
  return { seq, iteration, kind, facts, actor, decidedAt: decidedAt.toISOString() };
}

function lineage(task: TaskRowFacts, facts: readonly IterationFacts[], datasetSha256: string | null): ReportLineage {
  const champion = facts.find((one) => one.iteration === task.championIteration);
  return {
    modelSha256: champion?.training?.result.weightsSha256 ?? null,
    datasetSha256,
    optimizedDatasetSha256: champion?.optimization?.result.manifest.sha256 ?? null,
    splitSha256: champion?.optimization?.result.split.sha256 ?? null,
    recipeSha256: champion?.optimization?.result.recipe.sha256 ?? null,
    modelManifestSha256: champion?.training?.result.model.sha256 ?? null,
    code: { version: VERSION },
    config: {
      modelName: task.modelName,
      hyperparameters: task.hyperparameters,
      stopPolicies: task.stopPolicies,
      taskType: task.taskType,
    },
    seed: task.seed,
  };
}
