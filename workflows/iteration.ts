/** One pass of optimize → train → evaluate, the same in both modes, and what it means for the champion. */
import { ApplicationFailure } from '@temporalio/workflow';
import { optimizedDatasetId } from '../src/domain/storage-keys';
import { judge, type Champion } from '../src/domain/champion';
import { KEPT_REJECTED, KEPT_SCORES, remember, rememberChampionScore } from '../src/domain/loop-memory';
import type { EvaluateResult, ObjectRef, OptimizeResult, TrainResult } from '../src/contracts/jobs';
import type { LoopState, PassState, PhaseState } from '../src/contracts/task-workflow';
import { evaluateModel, optimizeDataset, trainModel } from './activity-options';
import { evaluationRequest, optimizationRequest, trainingRequest } from './job-requests';
import { runPhase } from './phase';
import type { TaskRun } from './task-run';

/** What is known of an iteration whose model was scored. */
export type Evaluated = NonNullable<PassState['evaluation']>;

interface Made {
  optimization: OptimizeResult;
  training: TrainResult;
  evaluation: EvaluateResult;
}

/** Runs the phases of the state's iteration that are still to do, and leaves the state as the next iteration needs it. */
export async function runIteration(run: TaskRun): Promise<Evaluated> {
  const { state, record } = run;
  const pass: PassState = (state.pass ??= {});
  record.set({ currentIteration: state.iteration });
  const optimization = (pass.optimization ??= await optimize(run));
  const training = (pass.training ??= await train(run, optimization));
  if (!pass.evaluation) {
    const evaluation = await evaluate(run, optimization, training);
    chooseChampion(run, { optimization, training, evaluation });
    pass.evaluation = { score: evaluation.score, higherIsBetter: evaluation.metric.higherIsBetter };
  }
  return pass.evaluation;
}

async function optimize(run: TaskRun): Promise<OptimizeResult> {
  const { task, state, record } = run;
  const { iteration } = state;
  const { result, segment } = await runPhase(run, 'optimization', {
    start: (at, where) =>
      optimizeDataset.executeWithOptions({ ...where, summary: summary('optimize', iteration, at) }, [
        optimizationRequest(run, at),
      ]),
    outcome: (_, segment) => ({
      inputDatasetId: task.source.datasetId,
      outputDatasetId: optimizedDatasetId(task.taskId, iteration, segment),
    }),
  });

  const datasetId = optimizedDatasetId(task.taskId, iteration, segment);
  state.taskType = result.taskType;
  freezeSplit(state, result);
  state.currentDatasetId = datasetId;
  record.set({ taskType: result.taskType, currentDatasetId: datasetId });
  record.dataset({
    datasetId,
    name: `${task.taskName} · iteration ${iteration}`,
    storagePath: result.train.key,
    sha256: result.train.sha256,
    sampleCount: result.train.rows,
    sourceDatasetId: task.source.datasetId,
    iteration,
    ...(result.trainBytes === undefined ? {} : { bytes: result.trainBytes }),
  });
  return result;
}

/** Takes the split of iteration 0, and refuses a later result with other rows that decide scores: the split is made once. */
function freezeSplit(state: LoopState, { split, mine, select, test }: OptimizeResult): void {
  if (!state.heldOut) {
    state.split = split;
    state.heldOut = { mine, select, test };
    return;
  }
  const { select: frozenSelect, test: frozenTest } = state.heldOut;
  const changed = !isSameObject(select, frozenSelect) ? 'select' : !isSameObject(test, frozenTest) ? 'test' : null;
  if (changed === null) return;
  const message = `the optimizer gave other ${changed} rows than those of iteration 0; the task ends, for its scores would not be comparable`;
  throw ApplicationFailure.nonRetryable(message, 'SPLIT_CHANGED');
}

function isSameObject(one: ObjectRef | null, other: ObjectRef | null): boolean {
  return one?.key === other?.key && one?.sha256 === other?.sha256;
}

async function train(run: TaskRun, optimization: OptimizeResult): Promise<TrainResult> {
  const { state, record } = run;
  const { result } = await runPhase(run, 'training', {
    start: (at, where) =>
      trainModel.executeWithOptions({ ...where, summary: summary('train', state.iteration, at) }, [
        trainingRequest(run, at, optimization),
      ]),
    outcome: ({ modelPath }) => ({ inputDatasetId: state.currentDatasetId, modelPath }),
  });
  state.trainingSeconds += result.seconds;
  record.set({ latestModelPath: result.modelPath });
  return result;
}

async function evaluate(run: TaskRun, optimization: OptimizeResult, training: TrainResult): Promise<EvaluateResult> {
  const { state, record } = run;
  const { result } = await runPhase(run, 'evaluation', {
    start: (at, where) =>
      evaluateModel.executeWithOptions({ ...where, summary: summary('evaluate', state.iteration, at) }, [
        evaluationRequest(run, at, optimization, training),
      ]),
    outcome: ({ report, score }) => ({
      inputDatasetId: state.currentDatasetId,
      modelPath: training.modelPath,
      evaluationPath: report.key,
      score: score.value,
    }),
  });
  state.scoreHistory = remember(state.scoreHistory, result.score.value, KEPT_SCORES);
  state.firstScore = state.iteration + 1 - state.scoreHistory.length;
  record.set({ latestEvaluationPath: result.report.key, latestScore: result.score.value, metricInfo: result.metric });
  return result;
}

function summary(verb: string, iteration: number, { segment }: PhaseState): string {
  return segment === 0 ? `${verb} · iteration ${iteration}` : `${verb} · iteration ${iteration} · segment ${segment}`;
}

/** The better of champion and challenger stays; the decision, its rule and its numbers go to the ledger. */
function chooseChampion({ state, record }: TaskRun, { optimization, training, evaluation }: Made): void {
  const { iteration } = state;
  const { metric, score, comparison = null } = evaluation;
  const { value, low, high } = score;
  const champion = state.champion;
  const challenger: Champion = {
    iteration,
    score: { value, low, high },
    model: training.model,
    modelPath: training.modelPath,
    recipe: optimization.recipe,
    improvementsFile: evaluation.improvementsFile,
    outcomes: evaluation.outcomes ?? null,
    train: optimization.train,
  };
  const { higherIsBetter } = metric;
  const { promoted, reason, rule } = judge({ champion, challenger, paired: comparison, higherIsBetter });
  record.decided(promoted ? 'promote' : 'keep', iteration, {
    metric: metric.name,
    challenger: { iteration, ...challenger.score },
    champion: champion && { iteration: champion.iteration, ...champion.score },
    comparison,
    sameRows: champion?.train?.sha256 === optimization.train.sha256,
    rule,
    reason,
  });
  if (promoted) {
    state.champion = challenger;
    state.rejected = [];
    record.set({ championIteration: iteration });
  } else {
    state.rejected = remember(state.rejected ?? [], optimization.recipe, KEPT_REJECTED);
  }
  const best = state.champion?.score.value ?? value;
  state.championScores = rememberChampionScore(championScores(state, higherIsBetter), best, higherIsBetter);
}

/** The champion's score after each iteration before this one. A state written before it was kept has only all scores. */
function championScores({ championScores, scoreHistory }: LoopState, higherIsBetter: boolean): number[] {
  if (championScores) return championScores;
  const best = higherIsBetter ? Math.max : Math.min;
  return scoreHistory.slice(0, -1).map((_, index) => best(...scoreHistory.slice(0, index + 1)));
}
