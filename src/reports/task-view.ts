/** A task's row as everybody outside sees it, from the API and in its report alike. Pure. */
import { operatorsOf, type AskedOperators } from '../domain/operators';
import type { StopConditions } from '../domain/stop-conditions';
import type { TaskStatus } from '../domain/task-status';
import type { ControlState, Suspension } from '../contracts/task-workflow';

type JsonObject = Record<string, unknown>;

/** The columns of the row that are shown; JSON columns hold what the workflow wrote. */
export interface TaskRowFacts {
  id: bigint;
  taskId: string;
  taskName: string;
  taskMode: 'STANDARD' | 'CONTINUOUS';
  status: TaskStatus;
  controlState: ControlState;
  modelName: string;
  datasetId: string;
  validationDatasetId: string | null;
  testDatasetId: string | null;
  poolDatasetId: string | null;
  currentDatasetId: string | null;
  userId: number;
  currentIteration: number;
  maxIterations: number;
  performanceThreshold: number | null;
  stopPolicies: unknown;
  operators: unknown;
  hyperparameters: unknown;
  seed: number;
  metric: string | null;
  taskType: string | null;
  latestModelPath: string | null;
  latestEvaluationPath: string | null;
  latestScore: number | null;
  championIteration: number | null;
  progress: unknown;
  stopReason: unknown;
  failure: unknown;
  controlReason: string | null;
  suspension: unknown;
  testResult: unknown;
  createdAt: Date;
  startRequestedAt: Date | null;
  workflowStartedAt: Date | null;
  completedAt: Date | null;
  updatedAt: Date;
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;
const json = (value: unknown): JsonObject | null => (value ?? null) as JsonObject | null;

/** Field by field, so that a row's other columns stay inside. */
export function presentTask(row: TaskRowFacts) {
  return {
    id: Number(row.id),
    taskId: row.taskId,
    taskName: row.taskName,
    taskMode: row.taskMode,
    status: row.status,
    controlState: row.controlState,
    modelName: row.modelName,
    datasetId: row.datasetId,
    validationDatasetId: row.validationDatasetId,
    testDatasetId: row.testDatasetId,
    poolDatasetId: row.poolDatasetId,
    currentDatasetId: row.currentDatasetId,
    userId: row.userId,
    currentIteration: row.currentIteration,
    maxIterations: row.maxIterations,
    performanceThreshold: row.performanceThreshold,
    stopPolicies: presentStopPolicies(row.stopPolicies),
    operators: operatorsOf(row.operators as AskedOperators),
    hyperparameters: row.hyperparameters as JsonObject,
    seed: row.seed,
    metric: row.metric,
    taskType: row.taskType,
    latestModelPath: row.latestModelPath,
    latestEvaluationPath: row.latestEvaluationPath,
    latestScore: row.latestScore,
    championIteration: row.championIteration,
    progress: json(row.progress),
    stopReason: json(row.stopReason),
    failure: json(row.failure),
    controlReason: row.controlReason,
    suspension: presentSuspension(row.suspension),
    testResult: json(row.testResult),
    createdAt: row.createdAt.toISOString(),
    startRequestedAt: iso(row.startRequestedAt),
    startedAt: iso(row.workflowStartedAt),
    completedAt: iso(row.completedAt),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export type TaskView = ReturnType<typeof presentTask>;

/** Times as everywhere outside; null unless the task is SUSPENDED. */
function presentSuspension(value: unknown) {
  const suspension = (value ?? null) as Suspension | null;
  if (!suspension) return null;
  const { by, reason, requestedAt, since, resumesTo } = suspension;
  return { by, reason, requestedAt: time(requestedAt), since: time(since), resumesTo };
}

const time = (milliseconds: number): string => new Date(milliseconds).toISOString();

type StopPolicies = Pick<StopConditions, 'plateau' | 'budget' | 'deadline' | 'rule'>;

function presentStopPolicies(value: unknown): StopPolicies {
  const { plateau, budget, deadline, rule } = (value ?? {}) as Partial<StopPolicies>;
  return { plateau: plateau ?? null, budget: budget ?? null, deadline: deadline ?? null, rule: rule ?? 'point' };
}
