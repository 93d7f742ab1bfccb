/** What each job is asked to do. Pure; the only place that decides which rows a service may see. */
import type {
  EvaluateRequest,
  JobPhase,
  JobRequestBase,
  OptimizeRequest,
  OptimizeResult,
  RowsRef,
  TrainRequest,
  TrainResult,
} from '../src/contracts/jobs';
import { jobKey } from '../src/contracts/job-key';
import type { Champion } from '../src/domain/champion';
import {
  evaluationPrefix,
  modelPrefix,
  optimizedDatasetId,
  optimizedPrefix,
  sealedPrefix,
} from '../src/domain/storage-keys';
import type { LoopState, PhaseState, TaskSpec } from '../src/contracts/task-workflow';

/** The parts of a run that a request is made of. */
interface Subject {
  task: TaskSpec;
  state: LoopState;
}

const MAX_SEED = 2 ** 31;
/** How many earlier segments a job may look through for what they have left. */
const MAX_EARLIER = 20;

function base(
  { task }: Subject,
  iteration: number,
  phase: JobPhase,
  segment: number,
  prefixOf: (segment: number) => string,
): JobRequestBase {
  const { taskId, seed } = task;
  const earlier = Array.from({ length: Math.min(segment, MAX_EARLIER) }, (_, back) => prefixOf(segment - 1 - back));
  return {
    jobKey: jobKey({ taskId, iteration, phase, segment }),
    taskId,
    iteration,
    segment,
    seed,
    outputPrefix: prefixOf(segment),
    // Left out of a first segment, so that a service of an earlier version understands it.
    ...(earlier.length > 0 ? { earlierPrefixes: earlier } : {}),
  };
}

/**
 * From iteration 1 on: the source rows again, with the champion's recipe and what was found wrong with the champion. Recipes that lost
 * to it are told, and the seed moves with the iteration, so that what did not help is not tried again row for row.
 */
export function optimizationRequest(run: Subject, { segment }: Pick<PhaseState, 'segment'>): OptimizeRequest {
  const { task, state } = run;
  const { iteration, champion } = state;
  const prefixOf = (one: number) => optimizedPrefix(optimizedDatasetId(task.taskId, iteration, one));
  return {
    ...base(run, iteration, 'optimization', segment, prefixOf),
    seed: (task.seed + iteration) % MAX_SEED,
    source: task.source,
    validation: task.validation,
    test: task.test,
    pool: task.pool,
    taskType: state.taskType ?? task.taskType,
    metric: task.metric,
    split: state.split,
    recipe: champion?.recipe ?? null,
    feedback: champion?.improvementsFile ?? null,
    operators: task.operators ?? null,
    rejected: state.rejected ?? [],
    sealedPrefix: splitPrefix(task.taskId, iteration, segment),
  };
}

/** Where the sealed rows go, which are made in iteration 0 only: a place of its own for each segment, as for all that is written. */
function splitPrefix(taskId: string, iteration: number, segment: number): string {
  const prefix = sealedPrefix(taskId);
  return iteration === 0 && segment > 0 ? `${prefix}s${segment}/` : prefix;
}

/** The trainer is given `train` and `mine`, never `select` or `test`. */
export function trainingRequest(
  run: Subject,
  { segment, checkpoint }: Pick<PhaseState, 'segment' | 'checkpoint'>,
  { taskType, train, mine }: OptimizeResult,
): TrainRequest {
  const { task, state } = run;
  const { iteration } = state;
  return {
    ...base(run, iteration, 'training', segment, (one) => modelPrefix(task.taskId, iteration, one)),
    modelName: task.modelName,
    hyperparameters: { ...task.hyperparameters, ...state.hyperparameters },
    taskType,
    train,
    mine,
    resumeFrom: checkpoint,
  };
}

/** An iteration's evaluation never sees `test`. */
export function evaluationRequest(
  run: Subject,
  { segment }: Pick<PhaseState, 'segment'>,
  { taskType, train, mine, select, pool }: OptimizeResult,
  { model }: TrainResult,
): EvaluateRequest {
  const { task, state } = run;
  const { iteration, champion } = state;
  return {
    ...base(run, iteration, 'evaluation', segment, (one) => evaluationPrefix(task.taskId, iteration, one)),
    purpose: 'iteration',
    model,
    taskType,
    metric: task.metric,
    train,
    mine,
    select,
    test: null,
    pool,
    sealedPrefix: sealedPrefix(task.taskId),
    champion: champion?.outcomes ? { iteration: champion.iteration, outcomes: champion.outcomes } : null,
  };
}

/**
 * The one read of the sealed test rows, with the champion's model. What it was trained on is given to find test rows among it, and
 * `select` to see how many rows chance puts there: not `mine`, which the optimizer reads and could reword until all looks like chance.
 */
export function finalEvaluationRequest(
  run: Subject,
  { segment }: Pick<PhaseState, 'segment'>,
  champion: Champion,
  test: RowsRef,
): EvaluateRequest {
  const { task, state } = run;
  if (!state.taskType) throw new Error('the task type is known once iteration 0 is optimised');
  return {
    ...base(run, champion.iteration, 'final', segment, (one) => evaluationPrefix(task.taskId, 'final', one)),
    purpose: 'final',
    model: champion.model,
    taskType: state.taskType,
    metric: task.metric,
    train: champion.train ?? null,
    mine: null,
    select: state.heldOut?.select ?? null,
    test,
    pool: null,
    sealedPrefix: sealedPrefix(task.taskId),
    champion: null,
  };
}
