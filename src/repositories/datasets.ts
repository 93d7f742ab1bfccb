/** Rows of `datasets`. Every read takes the scope; deleted rows are gone for every reader but lineage. */
import type { Alongside, Db } from '../db';
import type { Dataset, DatasetType, Prisma } from '../generated/prisma/client';
import type { Scope } from '../domain/access';
import { CommitInDoubt } from '../domain/errors';
import { toPage, within, type Page } from './scope';
import { TERMINAL_STATUSES } from './task-statuses';

export type DatasetRow = Dataset;

export type NewDataset = Omit<Prisma.DatasetUncheckedCreateInput, 'id' | 'createdAt' | 'deletedAt' | 'columns'> & {
  columns: Record<string, string | number> | null;
};

export interface DatasetFilter {
  datasetType?: DatasetType;
  isOptimized?: boolean;
}

/** A task that reads a data set, and what it reads it as. */
export interface DatasetUse {
  taskId: string;
  taskName: string;
  status: string;
  role: 'training' | 'validation' | 'test' | 'pool' | 'current';
}

function usedBy(datasetId: string): Prisma.MlTaskWhereInput {
  return {
    OR: [
      { datasetId },
      { validationDatasetId: datasetId },
      { testDatasetId: datasetId },
      { poolDatasetId: datasetId },
      { currentDatasetId: datasetId },
    ],
  };
}

export class DatasetRepository {
  constructor(private readonly db: Db) {}

  /** Throws `CommitInDoubt` when all is written and nobody knows whether it stays. After any other error there is no row. */
  async create({ columns, ...dataset }: NewDataset, alongside?: Alongside<DatasetRow>): Promise<DatasetRow> {
    let isWritten = false;
    try {
      return await this.db.$transaction(async (tx) => {
        const row = await tx.dataset.create({ data: { ...dataset, ...(columns ? { columns } : {}) } });
        await alongside?.(tx, row);
        isWritten = true;
        return row;
      });
    } catch (error) {
      throw isWritten ? new CommitInDoubt(error as Error) : error;
    }
  }

  find(scope: Scope, datasetId: string): Promise<DatasetRow | null> {
    return this.db.dataset.findUnique({ where: { datasetId, deletedAt: null, ...within(scope) } });
  }

  /** Newest first. */
  async list(scope: Scope, filter: DatasetFilter, limit: number, before: bigint | null): Promise<Page<DatasetRow>> {
    const rows = await this.db.dataset.findMany({
      where: { ...filter, ...within(scope), deletedAt: null, ...(before === null ? {} : { id: { lt: before } }) },
      orderBy: { id: 'desc' },
      take: limit + 1,
    });
    return toPage(rows, limit);
  }

  /**
   * Marks a data set deleted unless a live task uses it. The row lock makes a task that is being created at the same moment
   * wait, so one of the two sees the other.
   */
  async softDelete(scope: Scope, datasetId: string, now: Date): Promise<'deleted' | 'missing' | { usedBy: string[] }> {
    const { userId } = within(scope);
    return this.db.$transaction(async (tx) => {
      const locked = await tx.$queryRaw<{ user_id: number }[]>`
        SELECT user_id FROM datasets WHERE dataset_id = ${datasetId} AND deleted_at IS NULL FOR UPDATE`;
      if (locked.length === 0 || (userId !== undefined && locked[0]?.user_id !== userId)) return 'missing';
      const users = await tx.mlTask.findMany({
        where: { status: { notIn: TERMINAL_STATUSES }, ...usedBy(datasetId) },
        select: { taskId: true },
        take: 10,
      });
      if (users.length > 0) return { usedBy: users.map((task) => task.taskId) };
      await tx.dataset.update({ where: { datasetId }, data: { deletedAt: now } });
      return 'deleted';
    });
  }

  /** The data sets it was made from, nearest first; deleted ones included, since their hashes still explain the rest. */
  async ancestors(scope: Scope, dataset: DatasetRow): Promise<DatasetRow[]> {
    const found: DatasetRow[] = [];
    let next = dataset.sourceDatasetId;
    while (next && found.length < 100 && !found.some((one) => one.datasetId === next)) {
      const parent: DatasetRow | null = await this.db.dataset.findUnique({
        where: { datasetId: next, ...within(scope) },
      });
      if (!parent) break;
      found.push(parent);
      next = parent.sourceDatasetId;
    }
    return found;
  }

  /** The first 100 data sets made directly from it, oldest first. */
  derived(scope: Scope, datasetId: string): Promise<DatasetRow[]> {
    return this.db.dataset.findMany({
      where: { sourceDatasetId: datasetId, deletedAt: null, ...within(scope) },
      orderBy: { id: 'asc' },
      take: 100,
    });
  }

  /** The first 100 tasks that read it, newest first. */
  async uses(scope: Scope, datasetId: string): Promise<DatasetUse[]> {
    const tasks = await this.db.mlTask.findMany({
      where: { ...usedBy(datasetId), ...within(scope) },
      orderBy: { id: 'desc' },
      take: 100,
    });
    return tasks.map((task) => ({
      taskId: task.taskId,
      taskName: task.taskName,
      status: task.status,
      role:
        task.datasetId === datasetId
          ? 'training'
          : task.validationDatasetId === datasetId
            ? 'validation'
            : task.testDatasetId === datasetId
              ? 'test'
              : task.poolDatasetId === datasetId
                ? 'pool'
                : 'current',
    }));
  }
}
