/**
 * What retention reads of tasks, executions and data sets, of all users, and the mark it leaves on a data set whose bytes go. Read one
 * task at a time and in pages: a task may have thousands of executions. No scope here: the caller is the worker.
 */
import type { Db } from '../db';
import { keysNamedBy } from '../domain/named-keys';
import type { NamedByExecution, TaskNames, UploadUse } from '../domain/reachability';
import { isTerminal } from '../domain/task-status';
import type { Prisma } from '../generated/prisma/client';

const PAGE = 500;

const EXECUTION = {
  id: true,
  phase: true,
  iteration: true,
  status: true,
  outputDatasetId: true,
  modelPath: true,
  evaluationPath: true,
  details: true,
  failure: true,
} as const satisfies Prisma.TaskExecutionSelect;

export class RetentionRepository {
  constructor(private readonly db: Db) {}

  /** What a task's rows name in the bucket, or null when it has none. Of a task that has not ended nothing but that. */
  async task(taskId: string): Promise<TaskNames | null> {
    const row = await this.db.mlTask.findUnique({ where: { taskId } });
    if (!row) return null;
    const isLive = !isTerminal(row.status);
    const deleted = isLive
      ? []
      : await this.db.dataset.findMany({ where: { taskId, deletedAt: { not: null } }, select: { datasetId: true } });
    const { latestModelPath, latestEvaluationPath, testResult, failure } = row;
    return {
      endedAt: isLive ? null : (row.completedAt ?? row.updatedAt),
      currentDatasetId: row.currentDatasetId,
      championIteration: row.championIteration,
      keys: [...given(latestModelPath), ...given(latestEvaluationPath), ...keysNamedBy(testResult)],
      failureKeys: keysNamedBy(failure),
      executions: isLive ? [] : await this.executions(taskId),
      deletedDatasetIds: deleted.map(({ datasetId }) => datasetId),
    };
  }

  private async executions(taskId: string): Promise<NamedByExecution[]> {
    const all: NamedByExecution[] = [];
    for (let after = 0n, more = true; more;) {
      const page = await this.db.taskExecution.findMany({
        where: { taskId, id: { gt: after } },
        orderBy: { id: 'asc' },
        select: EXECUTION,
        take: PAGE,
      });
      for (const { phase, iteration, status, outputDatasetId, modelPath, evaluationPath, details, failure } of page) {
        all.push({
          ...{ phase, iteration, outputDatasetId },
          isCompleted: status === 'completed',
          trainKey: phase === 'optimization' ? trainKeyOf(details) : null,
          // The model that an evaluation's row names too is its training's.
          keys: [
            ...keysNamedBy(details),
            ...(phase === 'training' ? given(modelPath) : []),
            ...(phase === 'evaluation' ? given(evaluationPath) : []),
          ],
          failureKeys: keysNamedBy(failure),
        });
      }
      after = page.at(-1)?.id ?? after;
      more = page.length === PAGE;
    }
    return all;
  }

  /** An uploaded data set and the tasks that were given it, or null when it has no row. */
  async upload(datasetId: string): Promise<UploadUse | null> {
    const row = await this.db.dataset.findUnique({ where: { datasetId }, select: { deletedAt: true } });
    if (!row) return null;
    if (row.deletedAt === null) return { deletedAt: null, isUsed: false, lastUsedAt: null };
    const tasks = await this.db.mlTask.findMany({
      where: {
        OR: [
          { datasetId },
          { validationDatasetId: datasetId },
          { testDatasetId: datasetId },
          { poolDatasetId: datasetId },
        ],
      },
      select: { status: true, completedAt: true, updatedAt: true },
    });
    const ends = tasks.map(({ completedAt, updatedAt }) => (completedAt ?? updatedAt).getTime());
    return {
      deletedAt: row.deletedAt,
      isUsed: tasks.some(({ status }) => !isTerminal(status)),
      lastUsedAt: ends.length === 0 ? null : new Date(Math.max(...ends)),
    };
  }

  /** Marks the data sets whose rows or bytes lie in these folders, before they go: a reader is told rather than finds nothing. */
  async markCollected(folders: readonly string[], now: Date): Promise<number> {
    if (folders.length === 0) return 0;
    return this.db.$executeRaw`
      UPDATE datasets SET collected_at = ${now}
      WHERE collected_at IS NULL AND regexp_replace(storage_path, '[^/]*$', '') = ANY(${[...new Set(folders)]})`;
  }
}

function given(key: string | null): string[] {
  return key === null ? [] : [key];
}

function trainKeyOf(details: unknown): string | null {
  const { train } = (details ?? {}) as { train?: { key?: unknown } };
  return typeof train?.key === 'string' ? train.key : null;
}
