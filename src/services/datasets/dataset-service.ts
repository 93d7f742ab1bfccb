/** Data sets as their owners see them: read, list, lineage, delete. Uploading is in `upload-service.ts`. */
import path from 'node:path';
import type { Caller } from '../../domain/access';
import { AppError, notFound } from '../../domain/errors';
import { scopeOf } from '../../policies/access';
import type { DatasetFilter, DatasetRepository, DatasetRow, DatasetUse } from '../../repositories/datasets';
import type { ObjectStore, StoredObject } from '../../storage/object-store';
import type { Clock } from '../clock';

export interface Lineage {
  dataset: DatasetRow;
  ancestors: DatasetRow[];
  derived: DatasetRow[];
  usedBy: DatasetUse[];
}

export class DatasetService {
  constructor(
    private readonly datasets: DatasetRepository,
    private readonly store: ObjectStore,
    private readonly clock: Clock,
  ) {}

  async get(caller: Caller, datasetId: string): Promise<DatasetRow> {
    const dataset = await this.datasets.find(scopeOf(caller), datasetId);
    if (!dataset) throw notFound('data set');
    return dataset;
  }

  /** The data sets of one user, newest first; administrators may name anyone. */
  list(userId: number, filter: DatasetFilter, limit: number, before: bigint | null) {
    return this.datasets.list({ userId }, filter, limit, before);
  }

  async open(caller: Caller, datasetId: string): Promise<{ dataset: DatasetRow; object: StoredObject }> {
    const dataset = await this.get(caller, datasetId);
    const object = await this.store.read(dataset.storagePath);
    if (!object && dataset.collectedAt) throw collected(dataset.collectedAt);
    if (!object)
      throw new AppError('STORAGE_UNAVAILABLE', 'the bytes of this data set cannot be found in the object store');
    return { dataset, object };
  }

  /** A file that the optimizer wrote beside the rows of a data set: its log, or a list of rows. */
  async openRecord(caller: Caller, datasetId: string, name: string): Promise<StoredObject> {
    const { isOptimized, storagePath, collectedAt } = await this.get(caller, datasetId);
    const object = isOptimized ? await this.store.read(`${path.posix.dirname(storagePath)}/${name}`) : null;
    if (object) return object;
    if (collectedAt) throw collected(collectedAt);
    throw new AppError(
      'NOT_FOUND',
      isOptimized
        ? `this data set has no ${name}; doubted labels are listed with the data set of a task’s first iteration`
        : 'only a data set that a task made has a log; its id is in the task’s executions and report',
    );
  }

  async lineage(caller: Caller, datasetId: string): Promise<Lineage> {
    const dataset = await this.get(caller, datasetId);
    const scope = scopeOf(caller);
    const [ancestors, derived, usedBy] = await Promise.all([
      this.datasets.ancestors(scope, dataset),
      this.datasets.derived(scope, datasetId),
      this.datasets.uses(scope, datasetId),
    ]);
    return { dataset, ancestors, derived, usedBy };
  }

  /** 409 while a live task uses it. */
  async remove(caller: Caller, datasetId: string): Promise<void> {
    const outcome = await this.datasets.softDelete(scopeOf(caller), datasetId, this.clock());
    if (outcome === 'deleted') return;
    if (outcome === 'missing') throw notFound('data set');
    throw new AppError('CONFLICT', 'a task that has not ended uses this data set; cancel it first', {
      details: { taskIds: outcome.usedBy },
    });
  }
}

/** The bytes are gone by a rule of the installation, not by a fault; the row and the log still tell what they were. */
function collected(at: Date): AppError {
  return new AppError(
    'COLLECTED',
    `the rows of this data set were removed on ${at.toISOString().slice(0, 10)} by retention, which keeps those of a task's champion and ` +
      'of its last iteration, and of the others the log, once the task has ended WLOPS_RETENTION_DAYS ago',
    { details: { collectedAt: at.toISOString() } },
  );
}
