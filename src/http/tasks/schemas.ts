/** What the task routes take and answer. */
import { z } from 'zod';
import { MAX_ITERATIONS, MAX_PATIENCE } from '../../domain/stop-conditions';
import { TASK_STATUSES } from '../../domain/task-status';
import { pageQuery, publicId, refuseProtoKey, text, timestamp } from '../validation';

const taskMode = z.enum(['STANDARD', 'CONTINUOUS']);
const taskStatus = z.enum(TASK_STATUSES);
const controlState = z.enum(['none', 'pausing', 'resuming', 'cancelling']);
const phase = z.enum(['optimization', 'training', 'evaluation']);

const hyperparameterObject = z.record(z.string().max(64), z.unknown());

/** An object, or the same as a JSON string, as the user's document has it. */
const hyperparameters = z
  .union([z.string().max(20_000), hyperparameterObject], 'must be an object or a JSON string')
  .transform((value, context): unknown => {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value, refuseProtoKey);
    } catch {
      context.addIssue({ code: 'custom', message: 'is not valid JSON' });
      return z.NEVER;
    }
  })
  .pipe(hyperparameterObject)
  .meta({ description: 'an object or a JSON string; the names and ranges depend on the model' });

const seconds = z.number().positive().max(31_536_000);
const plateau = z.strictObject({
  patience: z.number().int().min(1).max(MAX_PATIENCE),
  minimumGain: z.number().min(0).max(1e6),
});
const budget = z.strictObject({ wallSeconds: seconds.nullish(), trainingSeconds: seconds.nullish() });
const stopPolicies = z.strictObject({
  plateau: plateau.nullish(),
  budget: budget.nullish(),
  deadline: z.iso.datetime({ offset: true }).nullish(),
  rule: z.enum(['point', 'lower_bound']).optional(),
});

const rowCap = z.number().int().min(1).max(2_147_483_647);
const operators = z.strictObject({
  maskPersonalData: z
    .boolean()
    .nullish()
    .meta({ description: 'e-mail and IP addresses, phone numbers and links become <e-mail>, <ip>, <phone>, <link>' }),
  maxRowsPerClass: rowCap.nullish().meta({ description: 'training rows of one label; for classification' }),
  maxRowsPerGroup: rowCap.nullish().meta({ description: 'training rows of one near-duplicate group' }),
  useTeacher: z
    .boolean()
    .nullish()
    .meta({ description: 'false: no row is sent to the teacher that the installation may have' }),
});

const maxIterations = z.number().int().min(1).max(MAX_ITERATIONS);
const performanceThreshold = z.number().min(-1e9).max(1e9).nullish();

const common = {
  taskName: text(200),
  modelName: text(200),
  datasetId: publicId,
  userId: z.number().int().min(1).max(2_147_483_647).nullish(),
  hyperparameters: hyperparameters.nullish(),
  validationDatasetId: publicId.nullish(),
  testDatasetId: publicId.nullish(),
  poolDatasetId: publicId.nullish(),
  seed: z.number().int().min(0).max(2_147_483_647).nullish(),
  metric: text(64).nullish(),
  taskType: z.enum(['classification', 'generation']).nullish(),
  operators: operators.nullish().meta({
    description: 'what the optimizer does only where it is asked for, and a teacher, which a task may refuse',
  }),
  stopPolicies: stopPolicies
    .nullish()
    .meta({ description: 'end a CONTINUOUS task; a STANDARD one has no loop to stop' }),
};

export const standardTaskBody = z.strictObject(common);

export const continuousTaskBody = z.strictObject({
  ...common,
  maxIterations: maxIterations.default(5),
  performanceThreshold,
});

export const stopConditionsBody = z
  .strictObject({
    maxIterations: maxIterations.optional(),
    performanceThreshold,
    stopPolicies: stopPolicies.optional(),
  })
  .refine(
    (body) => Object.keys(body).length > 0,
    'name at least one of maxIterations, performanceThreshold, stopPolicies',
  );

export const neutralHyperparametersBody = z
  .record(z.string().max(64), z.unknown())
  .meta({ description: 'such as {"checkpoint_interval_seconds": 30}; those that decide the result cannot change' });

export const controlBody = z.strictObject({ reason: text(500).nullish() });

export const taskParams = z.object({ taskId: publicId });

/** An iteration by its number, or the final test. */
export const evaluationParams = taskParams.extend({
  iteration: z
    .string()
    .regex(/^(final|0|[1-9]\d{0,3})$/, 'must be the number of an iteration, or final')
    .transform((value) => (value === 'final' ? value : Number(value))),
});

export const taskListQuery = z.strictObject({
  ...pageQuery,
  status: taskStatus.optional(),
  taskMode: taskMode.optional(),
  userId: z.coerce
    .number('must be a number')
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional()
    .meta({ description: 'for administrators, who see everyone’s without it; of others only their own' }),
});

export const historyQuery = z.strictObject({ ...pageQuery, limit: pageQuery.limit.unwrap().default(100) });

const json = z.record(z.string(), z.unknown());

export const taskSchema = z.strictObject({
  id: z.number().int(),
  taskId: z.string(),
  taskName: z.string(),
  taskMode,
  status: taskStatus,
  controlState,
  modelName: z.string(),
  datasetId: z.string(),
  validationDatasetId: z.string().nullable(),
  testDatasetId: z.string().nullable(),
  poolDatasetId: z.string().nullable(),
  currentDatasetId: z.string().nullable(),
  userId: z.number().int(),
  currentIteration: z.number().int().meta({ description: 'from 0' }),
  maxIterations: z.number().int(),
  performanceThreshold: z.number().nullable(),
  stopPolicies: z.strictObject({
    plateau: plateau.nullable(),
    budget: z.strictObject({ wallSeconds: seconds.nullable(), trainingSeconds: seconds.nullable() }).nullable(),
    deadline: z.string().nullable(),
    rule: z.enum(['point', 'lower_bound']),
  }),
  operators: z.strictObject({
    maskPersonalData: z.boolean(),
    maxRowsPerClass: rowCap.nullable(),
    maxRowsPerGroup: rowCap.nullable(),
    useTeacher: z.boolean(),
  }),
  hyperparameters: json,
  seed: z.number().int(),
  metric: z.string().nullable(),
  taskType: z.string().nullable(),
  latestModelPath: z.string().nullable(),
  latestEvaluationPath: z.string().nullable(),
  latestScore: z.number().nullable(),
  championIteration: z.number().int().nullable(),
  progress: json.nullable(),
  stopReason: json.nullable(),
  failure: json.nullable(),
  controlReason: z.string().nullable(),
  suspension: z
    .strictObject({
      by: z.string().meta({ description: 'user:<id>, or operator: someone with access to Temporal' }),
      reason: z.string().nullable(),
      requestedAt: timestamp,
      since: timestamp.meta({ description: 'when its job had ended' }),
      resumesTo: taskStatus,
    })
    .nullable()
    .meta({ description: 'who suspended it, why and since when; null unless it is SUSPENDED' }),
  testResult: json.nullable(),
  createdAt: timestamp,
  startRequestedAt: timestamp.nullable(),
  startedAt: timestamp.nullable().meta({ description: 'when its workflow was started' }),
  completedAt: timestamp.nullable(),
  updatedAt: timestamp,
});

export const executionSchema = z.strictObject({
  id: z.number().int(),
  taskId: z.string(),
  iteration: z.number().int(),
  phase,
  segment: z.number().int(),
  status: z.enum(['running', 'completed', 'failed', 'cancelled', 'suspended']),
  inputDatasetId: z.string().nullable(),
  outputDatasetId: z.string().nullable(),
  modelPath: z.string().nullable(),
  evaluationPath: z.string().nullable(),
  score: z.number().nullable(),
  details: json.nullable(),
  failure: json.nullable(),
  startedAt: timestamp,
  completedAt: timestamp.nullable(),
});

export const decisionSchema = z.strictObject({
  id: z.number().int(),
  iteration: z.number().int(),
  kind: z.string(),
  facts: json,
  actor: z.string(),
  decidedAt: timestamp,
});

const curve = z.array(z.tuple([z.number(), z.number()]));

export const metricsSchema = z.strictObject({
  taskId: z.string(),
  metric: z.strictObject({ name: z.string(), higherIsBetter: z.boolean() }).nullable(),
  iterations: z.array(
    z.strictObject({
      iteration: z.number().int(),
      score: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      samples: z.number().int().nullable(),
      trainLoss: z.number().nullable(),
      mineLoss: z.number().nullable(),
      lossCurve: curve.nullable(),
      steps: z.number().nullable(),
      epochs: z.number().nullable(),
      trainingSeconds: z.number().nullable(),
    }),
  ),
});

/** The report's own fields are described in docs/api.md; it grows with what an iteration measured. */
export const reportSchema = z.looseObject({
  task: z.unknown(),
  iterations: z.array(z.unknown()),
  decisions: z.array(z.unknown()),
});

/** The evaluator's report; it grows with what the evaluator finds out. Lists of rows are empty in that of the sealed test. */
export const evaluationSchema = z.looseObject({
  purpose: z.enum(['iteration', 'final']),
  iteration: z.number().int(),
  role: z.enum(['select', 'test']),
  score: z.looseObject({ value: z.number(), low: z.number(), high: z.number(), samples: z.number().int() }),
  notes: z.array(z.string()),
  slices: z.array(z.unknown()),
  badCases: z.looseObject({ total: z.number().int(), shown: z.array(z.unknown()) }),
});
