/** From the rows of a task to its report. Pure: the same rows give the same report, also while the task runs. */
import type { OptimizeResult, TrainResult } from '../contracts/jobs';
import type { TestResult } from '../contracts/task-record';
import { operatorsOf, type AskedOperators } from '../domain/operators';
import { VERSION } from '../version';
import { accessLedger } from './access-ledger';
import type {
  DecisionRowFacts,
  ExecutionRowFacts,
  Report,
  ReportDecision,
  ReportLineage,
  ReportSource,
  ReportTest,
} from './report';
import { presentIteration, type IterationFacts } from './present-iteration';
import type { StoredEvaluation } from './slice-changes';
import { presentTask, type TaskRowFacts } from './task-view';

/** The report of a task. Iterations that have begun are listed even when nothing of them is finished. */
export function buildReport({ task, executions, decisions, uploads }: ReportSource): Report {
  const facts = byIteration(executions);
  return {
    task: presentTask(task),
    metric: task.metricInfo as Report['metric'],
    iterations: facts.map((one) => ({
      ...presentIteration(one, learnedFrom(one, facts, decisions)),
      champion: one.iteration === task.championIteration,
      promoted: promotion(one, decisions),
    })),
    test: presentTest(task.testResult as TestResult | null),
    decisions: decisions.map(presentDecision),
    accessLedger: accessLedger(executions, decisions),
    lineage: lineage(task, facts, uploads),
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

/** Key of what the evaluator wrote about the sealed rows; null before they are read. */
export function sealedEvaluationKey({ task }: { task: { testResult: unknown } }): string | null {
  return (task.testResult as TestResult | null)?.evaluationPath ?? null;
}

function byIteration(executions: readonly ExecutionRowFacts[]): IterationFacts[] {
  const numbers = [...new Set(executions.map((row) => row.iteration))].sort((a, b) => a - b);
  return numbers.map((iteration) => {
    const rows = executions.filter((row) => row.iteration === iteration);
    const finished = (phase: string) =>
      rows.findLast((row) => row.phase === phase && row.status === 'completed' && row.details !== null);
    const optimization = finished('optimization');
    const training = finished('training');
    const evaluation = finished('evaluation');
    return {
      iteration,
      rows,
      optimization: optimization ? { row: optimization, result: optimization.details as OptimizeResult } : null,
      training: training ? { row: training, result: training.details as TrainResult } : null,
      evaluation: evaluation ? { row: evaluation, result: evaluation.details as StoredEvaluation } : null,
    };
  });
}

function presentTest(test: TestResult | null): ReportTest | null {
  if (!test) return null;
  const { score, low, high, samples, reads, contamination = null } = test;
  return { score, low, high, samples, reads, contamination, excluded: contamination?.excluded ?? null };
}

function promotion({ iteration }: IterationFacts, decisions: readonly DecisionRowFacts[]): boolean | null {
  const verdict = decisions.findLast(
    (one) => one.iteration === iteration && (one.kind === 'promote' || one.kind === 'keep'),
  );
  return verdict ? verdict.kind === 'promote' : null;
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

function presentDecision({ seq, iteration, kind, facts, actor, decidedAt }: DecisionRowFacts): ReportDecision {
  return { seq, iteration, kind, facts, actor, decidedAt: decidedAt.toISOString() };
}

function lineage(
  task: TaskRowFacts,
  facts: readonly IterationFacts[],
  uploads: ReportSource['uploads'],
): ReportLineage {
  const named = [
    ['training', task.datasetId],
    ['validation', task.validationDatasetId],
    ['test', task.testDatasetId],
    ['pool', task.poolDatasetId],
  ] as const;
  const sha256Of = new Map(uploads.map(({ datasetId, sha256 }) => [datasetId, sha256]));
  const champion = facts.find((one) => one.iteration === task.championIteration);
  return {
    modelSha256: champion?.training?.result.weightsSha256 ?? null,
    datasetSha256: sha256Of.get(task.datasetId) ?? null,
    files: named.flatMap(([file, datasetId]) =>
      datasetId === null ? [] : [{ file, datasetId, sha256: sha256Of.get(datasetId) ?? null }],
    ),
    optimizedDatasetSha256: champion?.optimization?.result.train.sha256 ?? null,
    optimizedManifestSha256: champion?.optimization?.result.manifest.sha256 ?? null,
    splitSha256: champion?.optimization?.result.split.sha256 ?? null,
    recipeSha256: champion?.optimization?.result.recipe.sha256 ?? null,
    modelManifestSha256: champion?.training?.result.model.sha256 ?? null,
    code: { version: VERSION },
    config: {
      modelName: task.modelName,
      hyperparameters: task.hyperparameters,
      operators: operatorsOf(task.operators as AskedOperators),
      stopPolicies: task.stopPolicies,
      taskType: task.taskType,
    },
    seed: task.seed,
  };
}
