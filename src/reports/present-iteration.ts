/** One iteration's part of a report, from what its services answered. Pure. */
import type { OptimizeResult, TrainResult } from '../contracts/jobs';
import { controlOf, isControl } from './trial-arms';
import { interruptionsOf } from './interruptions';
import { differenceInterval } from '../domain/intervals';
import type { ExecutionRowFacts, ReportApplied, ReportDataChange, ReportIteration } from './report';
import { ratesByName, sliceChanges, type StoredEvaluation } from './slice-changes';

/** The executions of one iteration, and those that finished; details are as the services gave them, parsed when they came. */
export interface IterationFacts {
  iteration: number;
  /** All its executions, finished or not, in order. */
  rows: readonly ExecutionRowFacts[];
  optimization: { row: ExecutionRowFacts; result: OptimizeResult } | null;
  training: { row: ExecutionRowFacts; result: TrainResult } | null;
  evaluation: { row: ExecutionRowFacts; result: StoredEvaluation } | null;
}

/** `source` is the iteration whose findings this one applies; null in the first. */
export function presentIteration(
  facts: IterationFacts,
  source: IterationFacts | null,
): Omit<ReportIteration, 'champion' | 'promoted'> {
  const { iteration, optimization, training, evaluation } = facts;
  const score = evaluation?.result.score;
  return {
    iteration,
    score: score?.value ?? null,
    low: score?.low ?? null,
    high: score?.high ?? null,
    samples: score?.samples ?? null,
    datasetId: optimization?.row.outputDatasetId ?? null,
    modelPath: training?.row.modelPath ?? null,
    rows: optimization?.result.train.rows ?? null,
    roles: optimization ? rolesOf(optimization.result) : null,
    rowsBySource: optimization?.result.rowsBySource ?? null,
    dataChange: dataChange(source, facts),
    steps:
      optimization?.result.steps.map(({ name, rowsIn, rowsOut, removed, changed = 0 }) => ({
        name,
        rowsIn,
        rowsOut,
        removed,
        changed,
      })) ?? null,
    files: optimization?.result.files?.length ? optimization.result.files : null,
    unknownLabels: unknownLabels(optimization?.result),
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
    sliceChanges: source?.evaluation && evaluation ? sliceChanges(source.evaluation.result, evaluation.result) : null,
    applied: optimization
      ? optimization.result.applied.map((one) => ({
          ...one,
          arm: one.arm ?? null,
          trial: one.trial ?? null,
          ...upliftOf(one, source, facts),
        }))
      : null,
    declined: optimization?.result.declined ?? null,
    trial: optimization?.result.trial ?? null,
    teacher: optimization?.result.teacher ?? null,
    controlArm: controlArm(optimization?.result),
    comparison: evaluation?.result.comparison ?? null,
    contamination: evaluation?.result.contamination ?? null,
    secondary: evaluation?.result.secondary ?? null,
    badCases: evaluation?.result.badCases ?? null,
    interruptions: interruptionsOf(facts.rows),
    resumedFromStep: training?.result.resumedFromStep ?? null,
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

function rolesOf({ train, mine, select, test, pool }: OptimizeResult): ReportIteration['roles'] {
  const [testRows, poolRows] = [test?.rows ?? null, pool?.rows ?? null];
  return { train: train.rows, mine: mine.rows, select: select.rows, test: testRows, pool: poolRows };
}

function unknownLabels(result: OptimizeResult | undefined): ReportIteration['unknownLabels'] {
  const told = result?.unknownLabels ?? {};
  return Object.keys(told).length > 0 ? told : null;
}

/** The random arm beside the first that was taken, or else beside the first that was tried. */
function controlArm(result: OptimizeResult | undefined): ReportIteration['controlArm'] {
  const arms = result?.trial?.arms ?? [];
  const taken = arms.find(({ chosen }) => chosen)?.arm;
  const control = arms.find(({ arm }) => arm === controlOf(taken)) ?? arms.find(({ arm }) => isControl(arm));
  return control ? { score: control.score } : null;
}

function dataChange(source: IterationFacts | null, { optimization }: IterationFacts): ReportDataChange | null {
  const before = source?.optimization?.result;
  if (!source || !before || !optimization) return null;
  const after = optimization.result;
  const byKind: ReportDataChange['byKind'] = {};
  for (const { kind, rows } of after.applied) byKind[kind] = (byKind[kind] ?? 0) + rows;
  const [then, now] = [before.labelIssues, after.labelIssues];
  return {
    since: source.iteration,
    rowsBefore: before.train.rows,
    rowsAfter: after.train.rows,
    byKind,
    quarantined: now ? now.quarantined - (then?.quarantined ?? 0) : null,
  };
}

/** Compares what it was applied to, as it did in the evaluation that asked for it, with the same part of the rows in this iteration's. */
function upliftOf(
  { id, slice, rows }: OptimizeResult['applied'][number],
  source: IterationFacts | null,
  { evaluation }: IterationFacts,
): Pick<ReportApplied, 'uplift' | 'low' | 'high'> {
  const unknown = { uplift: null, low: null, high: null };
  if (!source?.evaluation || !evaluation || rows === 0) return unknown;
  const found = source.evaluation.result.improvements.find((one) => one.id === id && one.slice === slice);
  const then = found ?? ratesByName(source.evaluation.result).get(slice);
  const now = ratesByName(evaluation.result).get(slice);
  return then && now ? { uplift: then.errorRate - now.errorRate, ...differenceInterval(then, now) } : unknown;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
