/**
 * Parses what the Python services answer. A reply is input from another process: what does not fit is refused as a whole, and so is
 * a result that points outside the folders the job was given. Unknown fields are dropped, so that a service may be newer than its
 * caller. Used by activities only; workflows see types.
 */
import { z } from 'zod';
import type {
  Comparison,
  Contamination,
  EvaluateResult,
  FileReading,
  JobError,
  JobRestart,
  JobStatus,
  ObjectRef,
  OptimizeResult,
  RowsRef,
  TrainResult,
  Trial,
  Uplift,
} from './jobs';

/** A key in the bucket. Never a URL, never a local path, no way upwards. */
const OBJECT_KEY = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))(?!.*\/\/)[A-Za-z0-9_][A-Za-z0-9_./=-]{0,900}$/;

const text = z.string().max(2000);
const name = z.string().min(1).max(300);
const count = z.number().int().min(0);
const objectKey = z.string().regex(OBJECT_KEY, 'is not an object key');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a sha256');
const time = z.iso.datetime({ offset: true });
const taskType = z.enum(['classification', 'generation']);

const objectRef: z.ZodType<ObjectRef> = z.object({ key: objectKey, sha256 });
const rowsRef: z.ZodType<RowsRef> = z.object({ key: objectKey, sha256, rows: count });

const pausedResult = z.object({ checkpoint: objectRef });

const jobError: z.ZodType<JobError> = z.object({
  code: z.string().regex(/^[A-Z][A-Z0-9_]{1,60}$/, 'is not an error code'),
  message: text,
  details: z.record(z.string(), z.unknown()).nullable(),
  retryable: z.boolean(),
});

const progress = z.object({
  stage: text,
  step: count,
  totalSteps: count.nullable(),
  loss: z.number().nullable(),
  score: z.number().nullable(),
  rate: z.number().nullable(),
  etaSeconds: z.number().nullable(),
});

const improvementKind = z.enum(['select', 'fix', 'generate', 'augment', 'format', 'replay', 'collect', 'none']);

const fileReading: z.ZodType<FileReading> = z.object({
  file: z.enum(['training', 'validation', 'test', 'pool']),
  format: name,
  header: z.boolean(),
  input: z.array(text).max(50),
  output: text,
  rows: count,
  setAside: count,
  notes: z.array(text).max(50),
});

const uplift: z.ZodType<Uplift> = z.object({ value: z.number(), low: z.number(), high: z.number() });

const trial: z.ZodType<Trial> = z.object({
  proxy: text,
  seeds: count,
  samples: count,
  baseline: z.number(),
  chosen: z.number(),
  arms: z
    .array(
      z.object({
        arm: name,
        improvements: z.array(name).max(500),
        rows: count,
        score: z.number(),
        uplift,
        chosen: z.boolean(),
        reason: text,
      }),
    )
    .max(50),
});

export const optimizeResult: z.ZodType<OptimizeResult> = z.object({
  manifest: objectRef,
  taskType,
  train: rowsRef,
  mine: rowsRef,
  pool: rowsRef.nullable(),
  select: rowsRef,
  test: rowsRef.nullable(),
  split: objectRef,
  recipe: objectRef,
  log: objectRef,
  labelCount: count.nullable(),
  unknownLabels: z
    .partialRecord(z.enum(['mine', 'select', 'test', 'pool']), z.object({ rows: count, labels: count }))
    .optional(),
  steps: z
    .array(
      z.object({
        name,
        rowsIn: count,
        rowsOut: count,
        removed: z.record(z.string(), count),
        changed: count.optional(),
        seconds: z.number().min(0),
      }),
    )
    .max(200),
  leakage: z.object({ exactOverlaps: count, nearOverlaps: count, paraphrases: count.nullable() }),
  labelIssues: z.object({ flagged: count, quarantined: count }).nullable(),
  rowsBySource: z.record(z.string(), count).optional(),
  applied: z
    .array(
      z.object({
        id: name,
        kind: improvementKind,
        slice: text,
        rows: count,
        arm: name.nullish(),
        trial: uplift.nullish(),
      }),
    )
    .max(500),
  declined: z
    .array(z.object({ id: name, kind: improvementKind, slice: text, reason: text }))
    .max(500)
    .optional(),
  trial: trial.nullish(),
  teacher: z
    .object({
      model: text,
      calls: count,
      rowsShown: count,
      rowsAsked: count,
      rowsAnswered: count,
      rowsAccepted: count,
    })
    .nullish(),
  files: z.array(fileReading).max(4).optional(),
  seconds: z.number().min(0).nullable().default(null),
});

export const trainResult: z.ZodType<TrainResult> = z.object({
  model: objectRef,
  modelPath: z.string().regex(OBJECT_KEY, 'is not a prefix'),
  weightsSha256: sha256,
  parameters: count,
  steps: count,
  epochs: z.number().min(0),
  trainLoss: z.number().nullable(),
  mineLoss: z.number().nullable(),
  lossCurve: z.array(z.tuple([z.number(), z.number()])).max(1000),
  seconds: z.number().min(0),
  batchSize: count.nullish(),
  accumulation: count.nullish(),
  outOfMemoryRetries: count.optional(),
  resumedFromStep: count.nullish(),
  stoppedEarly: z.boolean().optional(),
  bestStep: count.nullish(),
  precision: name.nullish(),
  device: name.nullish(),
});

const slice = z.object({
  name: text,
  support: count,
  errorRate: z.number(),
  lift: z.number(),
  qValue: z.number(),
});

const improvement = z.object({
  id: name,
  kind: improvementKind,
  slice: text,
  support: count,
  errorRate: z.number(),
  lift: z.number(),
  gainBound: z.number(),
});

const comparison: z.ZodType<Comparison> = z.object({
  championIteration: count,
  samples: count,
  difference: z.number(),
  low: z.number(),
  high: z.number(),
  pValue: z.number(),
  gained: count,
  lost: count,
  regressions: z
    .array(z.object({ name: text, support: count, before: z.number(), after: z.number(), qValue: z.number() }))
    .max(500),
  calibrationChange: z.number().nullable(),
});

const contamination: z.ZodType<Contamination> = z.object({
  checked: count,
  exact: count,
  near: count,
  paraphrases: count.nullable(),
  excluded: count,
  made: count.nullish(),
  byChance: count.nullish(),
});

export const evaluateResult: z.ZodType<EvaluateResult> = z.object({
  metric: z.object({ name, higherIsBetter: z.boolean() }),
  role: z.enum(['select', 'test']),
  score: z.object({ value: z.number(), low: z.number(), high: z.number(), samples: count, unscored: count }),
  secondary: z.record(z.string(), z.number()),
  report: objectRef,
  improvementsFile: objectRef.nullable(),
  slices: z.array(slice).max(500),
  // Results stored before there were such rates lack them.
  errorRates: z
    .array(z.object({ name: text, support: count, errorRate: z.number() }))
    .max(500)
    .default([]),
  improvements: z.array(improvement).max(500),
  badCases: count,
  seconds: z.number().min(0),
  outcomes: objectRef.nullish(),
  comparison: comparison.nullish(),
  contamination: contamination.nullish(),
  attempts: count.optional(),
});

const jobRestart: z.ZodType<JobRestart> = z.object({
  attempt: count,
  at: time,
  cause: z.enum(['process', 'service']),
  exitCode: z.number().int().nullable(),
  stage: text.nullable(),
  step: count.nullable(),
});

const jobStatus = z.object({
  jobId: name,
  jobKey: name,
  taskId: name,
  iteration: count,
  phase: z.enum(['optimization', 'training', 'evaluation', 'final']),
  segment: count,
  state: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled', 'paused']),
  attempt: count,
  // For people: what cannot be read of it is no reason to lose a job.
  restarts: z.array(jobRestart).max(100).optional().catch(undefined),
  progress: progress.nullable(),
  result: z.unknown(),
  error: jobError.nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  updatedAt: time,
});

const liveJobs = z.object({ items: z.array(jobStatus).max(1000) });

const serviceError = z.object({
  error: z.object({ code: z.string().max(100), message: text, details: z.record(z.string(), z.unknown()).optional() }),
});

const championAnswer = z.object({
  moved: z.boolean(),
  model: name,
  version: name.nullable(),
  reason: text.nullable(),
});

/** Whether MLflow's alias was moved, to which version of which registered model, and else why not. */
export type ChampionAnswer = z.output<typeof championAnswer>;

/** The body is not what the protocol says. The message names the first fields that are wrong. */
export class UnreadableReply extends Error {
  override readonly name = 'UnreadableReply';
}

function parse<Value>(schema: z.ZodType<Value>, body: unknown, what: string): Value {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new UnreadableReply(`${what}: ${faults.join('; ')}`);
}

/** A job's status, its result still unparsed. Throws `UnreadableReply`. */
export function parseJobStatus(body: unknown): JobStatus {
  const status = parse(jobStatus, body, 'job status');
  return { ...status, result: status.result ?? null };
}

/** The jobs that a service lists as live. Throws `UnreadableReply`. */
export function parseLiveJobs(body: unknown): JobStatus[] {
  const { items } = parse(liveJobs, body, 'live jobs');
  return items.map((status) => ({ ...status, result: status.result ?? null }));
}

/** What the trainer says to a new champion. Throws `UnreadableReply`. */
export function parseChampionAnswer(body: unknown): ChampionAnswer {
  return parse(championAnswer, body, 'champion');
}

/** What a paused job left to continue from; null when it had nothing to save. Throws `UnreadableReply`. */
export function parseCheckpoint(result: unknown): ObjectRef | null {
  if (result === null) return null;
  return parse(pausedResult, result, 'result of a paused job').checkpoint;
}

/** The result of a finished job. Throws `UnreadableReply`. */
export function parseResult<Result>(schema: z.ZodType<Result>, result: unknown): Result {
  return parse(schema, result, 'job result');
}

/** Code, message and details of an error answer, or null when it is not one of ours. */
export function parseServiceError(
  body: unknown,
): { code: string; message: string; details: Record<string, unknown> | null } | null {
  const parsed = serviceError.safeParse(body);
  if (!parsed.success) return null;
  const { code, message, details } = parsed.data.error;
  return { code, message, details: details ?? null };
}
