/** Creating a task: the model, its hyperparameters and the data sets are checked before a row exists. */
import { randomInt } from 'node:crypto';
import type { TaskType } from '../../contracts/jobs';
import type { TaskMode } from '../../contracts/task-workflow';
import type { Alongside } from '../../db';
import type { Caller } from '../../domain/access';
import type { AppError } from '../../domain/errors';
import { invalidField } from '../../domain/errors';
import type { Operators } from '../../domain/operators';
import type { StopConditions } from '../../domain/stop-conditions';
import { ownerFor } from '../../policies/owner';
import type { DatasetRepository } from '../../repositories/datasets';
import type { TaskRepository, TaskRow } from '../../repositories/tasks';
import type { UserRepository } from '../../repositories/users';
import { newPublicId } from '../public-ids';
import { checkHyperparameters } from './hyperparameters';
import type { ModelService } from './model-catalog';

export interface TaskRequest {
  taskMode: TaskMode;
  taskName: string;
  modelName: string;
  userId: number | null;
  datasetId: string;
  validationDatasetId: string | null;
  testDatasetId: string | null;
  poolDatasetId: string | null;
  operators: Operators;
  hyperparameters: Record<string, unknown>;
  seed: number | null;
  metric: string | null;
  taskType: TaskType | null;
  stopConditions: StopConditions;
}

/** Metrics by task type, as the evaluator knows them; the first is the usual one. Of all but `loss` higher is better. */
export const METRICS: Readonly<Record<TaskType, readonly string[]>> = {
  classification: ['accuracy', 'macro_f1', 'loss'],
  generation: ['exact_match', 'exact_match_strict', 'loss'],
};

export interface CreateTaskDeps {
  tasks: TaskRepository;
  datasets: DatasetRepository;
  users: UserRepository;
  models: ModelService;
}

export class TaskCreation {
  constructor(private readonly deps: CreateTaskDeps) {}

  /** The new task, PENDING. 422 names the field at fault, 403 is for another user's `userId`. */
  async create(caller: Caller, request: TaskRequest, alongside?: Alongside<TaskRow>): Promise<TaskRow> {
    const userId = await ownerFor(caller, request.userId, this.deps.users);
    const model = await this.deps.models.find(request.modelName, request.taskType);
    const taskTypes = request.taskType ? [request.taskType] : model.taskTypes;
    checkMetric(request.metric, taskTypes);
    checkOperators(request.operators, taskTypes);
    const hyperparameters = checkHyperparameters(model, request.hyperparameters);
    await this.checkDataset(userId, 'datasetId', request.datasetId, 'training');
    await this.checkDataset(userId, 'validationDatasetId', request.validationDatasetId, 'validation');
    await this.checkDataset(userId, 'testDatasetId', request.testDatasetId, 'test');
    await this.checkDataset(userId, 'poolDatasetId', request.poolDatasetId, 'pool');
    const taskId = newPublicId('task');
    const seed = request.seed ?? randomInt(0, 2 ** 31);
    const created = await this.deps.tasks.create({ ...request, userId, hyperparameters, taskId, seed }, alongside);
    if ('missingDatasetId' in created) throw noSuchDataset(fieldOf(request, created.missingDatasetId), 'given');
    return created;
  }

  /** A data set of someone else, a deleted one and one of another type answer alike. */
  private async checkDataset(userId: number, field: string, datasetId: string | null, type: string): Promise<void> {
    if (datasetId === null) return;
    const dataset = await this.deps.datasets.find({ userId }, datasetId);
    if (!dataset) throw noSuchDataset(field, type);
    if (dataset.datasetType !== type) {
      throw invalidField(field, `is of type ${dataset.datasetType}; a data set of type ${type} is needed`);
    }
  }
}

/** The task type may be known only once the data is read; the metric must then be one of what the model can do. */
function checkMetric(metric: string | null, possible: readonly TaskType[]): void {
  if (metric === null) return;
  const known = [...new Set(possible.flatMap((one) => METRICS[one]))];
  if (known.includes(metric)) return;
  throw invalidField('metric', `must be one of ${known.join(', ')}`, { known });
}

/** Of equal completions no class is made; where the data turns out to have no labels, the optimizer leaves the cap aside. */
function checkOperators({ maxRowsPerClass }: Operators, possible: readonly TaskType[]): void {
  if (maxRowsPerClass === null || possible.includes('classification')) return;
  throw invalidField('operators.maxRowsPerClass', 'is for labelled texts; leave it out where the task is generation');
}

function noSuchDataset(field: string, type: string): AppError {
  return invalidField(field, `there is no ${type} data set of yours with this id`);
}

function fieldOf(request: TaskRequest, datasetId: string): string {
  const fields = ['datasetId', 'validationDatasetId', 'testDatasetId', 'poolDatasetId'] as const;
  return fields.find((field) => request[field] === datasetId) ?? 'datasetId';
}
