/**
 * Which models there are and what each may be told. The catalogue is `contracts/model-catalog.json`, which the trainer reads too.
 * Names it does not list are asked from the trainer, which looks at the hub and its own folder.
 */
import { AppError, invalidField } from '../../domain/errors';
import type { TaskType } from '../../contracts/jobs';

export interface HyperparameterRule {
  type: 'number' | 'integer' | 'string' | 'boolean';
  default: number | string | boolean | null;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  enum?: readonly string[];
  description: string;
}

export interface CatalogModel {
  taskTypes: readonly TaskType[];
  hyperparameters: Readonly<Record<string, HyperparameterRule>>;
}

export interface ModelCatalog {
  models: readonly (CatalogModel & { name: string })[];
  /** Models that are found by hub id or local folder. */
  unlisted: CatalogModel;
}

/** Asks the trainer for a model that the catalogue does not list; throws `MODEL_UNKNOWN` or `SERVICE_UNAVAILABLE`. */
export type ResolveModel = (name: string) => Promise<void>;

export class ModelService {
  constructor(
    private readonly catalog: ModelCatalog,
    private readonly resolve: ResolveModel,
  ) {}

  /** The model a name stands for. 422 for a name nobody knows, or a model that cannot do the task type. */
  async find(name: string, taskType: TaskType | null): Promise<CatalogModel> {
    const model = this.catalog.models.find((one) => one.name === name) ?? (await this.unlisted(name));
    if (taskType !== null && !model.taskTypes.includes(taskType)) {
      const able = this.catalog.models.filter((one) => one.taskTypes.includes(taskType)).map((one) => one.name);
      throw invalidField('taskType', `the model ${name} does not do ${taskType}; use one of ${able.join(', ')}`, {
        able,
      });
    }
    return model;
  }

  private async unlisted(name: string): Promise<CatalogModel> {
    if (!/^local:./.test(name) && !/^[^/\s]+\/[^/\s]+$/.test(name)) {
      const known = this.catalog.models.map((one) => one.name);
      throw new AppError(
        'MODEL_UNKNOWN',
        `modelName: there is no model ${JSON.stringify(name)}; known are ${known.join(', ')}, a hub id (org/name) or local:<folder>`,
        { details: { field: 'modelName', known } },
      );
    }
    await this.resolve(name);
    return this.catalog.unlisted;
  }
}
