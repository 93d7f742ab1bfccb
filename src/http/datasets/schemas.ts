/** What the data set routes take and answer. */
import { z } from 'zod';
import { columnRolesFault } from '../../services/datasets/column-roles';
import { refuseProtoKey, pageQuery, publicId, text, timestamp } from '../validation';

const uploadType = z.enum(['training', 'validation', 'test', 'pool']);
const format = z.enum(['csv', 'tsv', 'jsonl', 'parquet']);
const column = z.union([text(200), z.number().int().min(0).max(9999)], {
  error: 'must be the name or the number of a column, 0 to 9999',
});
const columnMap = z.record(text(64), column);

/** A field of a form that holds JSON. */
function jsonText<Inner extends z.ZodType>(inner: Inner) {
  return z
    .string()
    .transform((value, context): unknown => {
      try {
        return JSON.parse(value, refuseProtoKey);
      } catch {
        context.addIssue({ code: 'custom', message: 'is not valid JSON' });
        return z.NEVER;
      }
    })
    .pipe(inner);
}

const emptyAsNull = <Inner extends z.ZodType>(inner: Inner) =>
  z.preprocess((value) => (value === '' || value === undefined ? null : value), inner.nullable());

/** Fields of the upload form, the file apart. Empty optional fields count as not given. */
export const uploadFields = z.strictObject({
  name: text(200),
  datasetType: uploadType,
  domain: emptyAsNull(text(100)),
  userId: emptyAsNull(z.coerce.number('must be a number').int().min(1).max(2_147_483_647)),
  format: emptyAsNull(format),
  columns: emptyAsNull(
    jsonText(
      columnMap
        .superRefine((columns, context) => {
          const fault = columnRolesFault(columns);
          if (fault) context.addIssue({ code: 'custom', message: fault });
        })
        .transform((columns) => (Object.keys(columns).length === 0 ? null : columns)),
    ),
  ),
});

export const uploadFieldNames = Object.keys(uploadFields.shape);

/** The form as OpenAPI shows it. */
export const uploadForm = z.object({
  file: z.string().meta({ format: 'binary', description: 'CSV, TSV, JSONL or Parquet; gzip is fine' }),
  name: text(200),
  datasetType: uploadType,
  domain: text(100).optional(),
  userId: z.number().int().optional().meta({ description: 'your own; administrators may name another user' }),
  format: format.optional().meta({ description: 'detected when left out' }),
  columns: z
    .string()
    .optional()
    .meta({ description: 'JSON: role of a column → its name, or its number from 0 without a header' }),
});

export const datasetSchema = z.strictObject({
  id: z.number().int(),
  datasetId: z.string(),
  name: z.string(),
  datasetType: z.enum([...uploadType.options, 'optimized']),
  storagePath: z.string(),
  fileSize: z.number().int().meta({ description: 'bytes' }),
  sampleCount: z.number().int().nullable(),
  sha256: z.string(),
  fileName: z.string().nullable(),
  contentType: z.string().nullable(),
  format: format.nullable(),
  columns: columnMap.nullable(),
  domain: z.string().nullable(),
  userId: z.number().int(),
  isOptimized: z.boolean(),
  sourceDatasetId: z.string().nullable(),
  taskId: z.string().nullable(),
  iteration: z.number().int().nullable(),
  createdAt: timestamp,
  collectedAt: timestamp.nullable().meta({ description: 'set: retention removed the bytes; the log stays' }),
});

export const lineageSchema = z.strictObject({
  dataset: datasetSchema,
  ancestors: z.array(datasetSchema).meta({ description: 'what it was made from, nearest first' }),
  derived: z.array(datasetSchema).meta({ description: 'what was made from it' }),
  usedBy: z.array(
    z.strictObject({
      taskId: z.string(),
      taskName: z.string(),
      status: z.string(),
      role: z.enum(['training', 'validation', 'test', 'pool', 'current']),
    }),
  ),
});

export const datasetParams = z.object({ datasetId: publicId });
export const ownerParams = z.object({ userId: z.string().max(20) });

export const datasetListQuery = z.strictObject({
  ...pageQuery,
  datasetType: z.enum([...uploadType.options, 'optimized']).optional(),
  isOptimized: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
});

/** The optimizer's log; it grows with what the optimizer tells. */
export const datasetLogSchema = z.looseObject({
  version: z.number().int(),
  seed: z.number().int(),
  steps: z.array(z.unknown()),
  quarantined: z.number().int(),
});
