/** Rows of data sets → what leaves the API. */
import type { z } from 'zod';
import type { DatasetRow } from '../../repositories/datasets';
import type { Lineage } from '../../services/datasets/dataset-service';
import type { datasetSchema, lineageSchema } from './schemas';

type DatasetView = z.output<typeof datasetSchema>;

export function presentDataset(row: DatasetRow): DatasetView {
  return {
    id: Number(row.id),
    datasetId: row.datasetId,
    name: row.name,
    datasetType: row.datasetType,
    storagePath: row.storagePath,
    fileSize: Number(row.fileSize),
    sampleCount: row.sampleCount,
    sha256: row.sha256,
    fileName: row.fileName,
    contentType: row.contentType,
    format: row.format as DatasetView['format'],
    columns: row.columns as DatasetView['columns'],
    domain: row.domain,
    userId: row.userId,
    isOptimized: row.isOptimized,
    sourceDatasetId: row.sourceDatasetId,
    taskId: row.taskId,
    iteration: row.iteration,
    createdAt: row.createdAt.toISOString(),
    collectedAt: row.collectedAt?.toISOString() ?? null,
  };
}

export function presentLineage({ dataset, ancestors, derived, usedBy }: Lineage): z.output<typeof lineageSchema> {
  return {
    dataset: presentDataset(dataset),
    ancestors: ancestors.map(presentDataset),
    derived: derived.map(presentDataset),
    usedBy,
  };
}
