/**
 * From the rows of a task and its data sets to what its workflow is started with. Used by the API's start and by the worker's
 * start sweeper, so that both start the very same workflow.
 */
import type { SourceFile, TaskType } from '../contracts/jobs';
import type { TaskSpec } from '../contracts/task-workflow';
import type { DbOrTransaction } from '../db';
import { operatorsOf, type AskedOperators } from '../domain/operators';
import type { StopConditions } from '../domain/stop-conditions';
import type { Dataset, MlTask, Prisma } from '../generated/prisma/client';

/** The columns that keep stop conditions; the inverse of `stopConditionsOf`. */
export function stopColumns({ maxIterations, performanceThreshold, ...policies }: StopConditions) {
  return { maxIterations, performanceThreshold, stopPolicies: policies as unknown as Prisma.InputJsonObject };
}

/** The stop conditions as the row keeps them: two columns of the user's document, and the rest as JSON. */
export function stopConditionsOf(
  task: Pick<MlTask, 'maxIterations' | 'performanceThreshold' | 'stopPolicies'>,
): StopConditions {
  const policies = task.stopPolicies as unknown as Partial<StopConditions>;
  return {
    maxIterations: task.maxIterations,
    performanceThreshold: task.performanceThreshold,
    rule: policies.rule ?? 'point',
    plateau: policies.plateau ?? null,
    budget: policies.budget ?? null,
    deadline: policies.deadline ?? null,
  };
}

function sourceFile(dataset: Dataset): SourceFile {
  return {
    datasetId: dataset.datasetId,
    key: dataset.storagePath,
    sha256: dataset.sha256,
    format: dataset.format as SourceFile['format'],
    columns: dataset.columns as SourceFile['columns'],
  };
}

/** What the workflow of `task` is started with. Throws when a data set's row is gone, which foreign use forbids. */
export async function loadTaskSpec(db: DbOrTransaction, task: MlTask): Promise<TaskSpec> {
  const ids = [task.datasetId, task.validationDatasetId, task.testDatasetId, task.poolDatasetId].filter(
    (id) => id !== null,
  );
  const datasets = await db.dataset.findMany({ where: { datasetId: { in: ids } } });
  const given = (id: string | null): SourceFile | null => {
    if (id === null) return null;
    const dataset = datasets.find((one) => one.datasetId === id);
    if (!dataset) throw new Error(`data set ${id} of task ${task.taskId} has no row`);
    return sourceFile(dataset);
  };
  const source = given(task.datasetId);
  if (!source) throw new Error(`task ${task.taskId} has no data set`);
  return {
    taskId: task.taskId,
    taskName: task.taskName,
    userId: task.userId,
    mode: task.taskMode,
    modelName: task.modelName,
    hyperparameters: task.hyperparameters as TaskSpec['hyperparameters'],
    seed: task.seed,
    metric: task.metric,
    taskType: task.taskType as TaskType | null,
    source,
    validation: given(task.validationDatasetId),
    test: given(task.testDatasetId),
    pool: given(task.poolDatasetId),
    operators: operatorsOf(task.operators as AskedOperators),
    stopConditions: stopConditionsOf(task),
    seq: task.seq,
  };
}
