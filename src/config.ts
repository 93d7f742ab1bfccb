/**
 * Configuration: one schema per process role, read once at start and passed as a frozen value; no other module reads the
 * environment. All faults are reported together. Secrets have no default. `.env.example` is tested against these schemas.
 */
import { z } from 'zod';

const port = z.coerce.number().int().min(1).max(65535);
const secret = z
  .string()
  .min(32, 'must have at least 32 characters')
  .refine((value) => !/change.?me|placeholder/i.test(value), {
    message: 'is a placeholder; set a random value',
  });
const url = z.url();

const portOffset = z.coerce.number().int().min(0).max(30000).default(0);

/** How often something is done. Less than `least` would be nothing but load; more than a day, an error of unit. */
function everySeconds(least: number) {
  return z.coerce.number().int().min(least).max(86_400);
}

/** Added to default ports only: an explicit port is taken as it is. */
function withOffset(explicit: number | undefined, standard: number, offset: number): number {
  return explicit ?? standard + offset;
}

const shared = z.object({
  WLOPS_PORT_OFFSET: portOffset,
  WLOPS_DATA_DIR: z.string().min(1).default('.wlops'),
  WLOPS_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgresql:// address'),
  S3_ENDPOINT: url,
  S3_REGION: z.string().min(1).default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().min(1),
  S3_SECRET_ACCESS_KEY: z.string().min(1),
  S3_BUCKET: z.string().min(3).max(63).default('wlops'),
  TEMPORAL_ADDRESS: z.string().min(1),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
});

const apiSchema = shared.extend({
  WLOPS_API_HOST: z.string().min(1).default('127.0.0.1'),
  WLOPS_API_PORT: port.optional(),
  WLOPS_JWT_SECRET: secret,
  WLOPS_SERVICE_SECRET: secret,
  WLOPS_TRAINER_URL: url.optional(),
  WLOPS_TRAINER_PORT: port.optional(),
  WLOPS_ADMIN_EMAIL: z.email().optional(),
  WLOPS_ADMIN_PASSWORD: z.string().min(8).max(200).optional(),
  WLOPS_ACCESS_TOKEN_SECONDS: z.coerce.number().int().min(30).max(900).default(900),
  WLOPS_REFRESH_TOKEN_SECONDS: z.coerce.number().int().min(60).max(2_592_000).default(604_800),
  WLOPS_MAX_UPLOAD_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(10 * 1024 ** 3),
  WLOPS_TEMPORAL_UI_URL: url.optional(),
});

const workerSchema = shared.extend({
  WLOPS_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  WLOPS_METRICS_PORT: port.optional(),
  WLOPS_SERVICE_SECRET: secret,
  WLOPS_OPTIMIZER_URL: url.optional(),
  WLOPS_OPTIMIZER_PORT: port.optional(),
  WLOPS_EVALUATOR_URL: url.optional(),
  WLOPS_EVALUATOR_PORT: port.optional(),
  WLOPS_TRAINER_URL: url.optional(),
  WLOPS_TRAINER_PORT: port.optional(),
  WLOPS_OPTIMIZE_SLOTS: z.coerce.number().int().min(1).max(1000).default(2),
  WLOPS_TRAIN_SLOTS: z.coerce.number().int().min(1).max(1000).default(1),
  WLOPS_EVALUATE_SLOTS: z.coerce.number().int().min(1).max(1000).default(2),
  WLOPS_WORKER_BUILD_ID: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'must be letters, digits, . _ or -')
    .optional(),
  WLOPS_POLL_INTERVAL_MS: z.coerce.number().int().min(10).max(60_000).default(500),
  MLFLOW_TRACKING_URI: url.optional(),
  WLOPS_SWEEP_STARTS_SECONDS: everySeconds(1).default(10),
  WLOPS_RECONCILE_SECONDS: everySeconds(5).default(60),
  // A workflow's last write may be retried for some time after another one.
  WLOPS_RECONCILE_QUIET_SECONDS: everySeconds(10).default(60),
  WLOPS_RETENTION: z.enum(['on', 'off']).default('on'),
  WLOPS_RETENTION_EVERY_SECONDS: everySeconds(60).default(3600),
  WLOPS_RETENTION_DAYS: z.coerce.number().min(0).max(3650).default(7),
  // An object may be there for some time before its row is.
  WLOPS_RETENTION_GRACE_HOURS: z.coerce.number().min(0.01).max(8760).default(24),
});

/** The variables each role reads, by name; `.env.example` and the docs are tested against it. */
export const CONFIG_SCHEMAS = { api: apiSchema, worker: workerSchema } as const;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

function read<Schema extends z.ZodType>(schema: Schema, environment: Environment): z.output<Schema> {
  // An empty variable is an unset one: compose files and shells cannot unset.
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`configuration is not usable:\n${faults.join('\n')}`);
}

function sharedPart(values: z.output<typeof shared>) {
  return {
    dataDir: values.WLOPS_DATA_DIR,
    logLevel: values.WLOPS_LOG_LEVEL,
    databaseUrl: values.DATABASE_URL,
    s3: {
      endpoint: values.S3_ENDPOINT,
      region: values.S3_REGION,
      accessKeyId: values.S3_ACCESS_KEY_ID,
      secretAccessKey: values.S3_SECRET_ACCESS_KEY,
      bucket: values.S3_BUCKET,
    },
    temporal: { address: values.TEMPORAL_ADDRESS, namespace: values.TEMPORAL_NAMESPACE },
  };
}

/** Reads the API's configuration. Throws `ConfigError` naming every variable that is missing or wrong. */
export function readApiConfig(environment: Environment) {
  const values = read(apiSchema, environment);
  const offset = values.WLOPS_PORT_OFFSET;
  return Object.freeze({
    ...sharedPart(values),
    host: values.WLOPS_API_HOST,
    port: withOffset(values.WLOPS_API_PORT, 8080, offset),
    jwtSecret: values.WLOPS_JWT_SECRET,
    serviceSecret: values.WLOPS_SERVICE_SECRET,
    trainerUrl: values.WLOPS_TRAINER_URL ?? `http://127.0.0.1:${withOffset(values.WLOPS_TRAINER_PORT, 8004, offset)}`,
    admin: { email: values.WLOPS_ADMIN_EMAIL, password: values.WLOPS_ADMIN_PASSWORD },
    accessTokenSeconds: values.WLOPS_ACCESS_TOKEN_SECONDS,
    refreshTokenSeconds: values.WLOPS_REFRESH_TOKEN_SECONDS,
    maxUploadBytes: values.WLOPS_MAX_UPLOAD_BYTES,
    temporalUiUrl: values.WLOPS_TEMPORAL_UI_URL,
  });
}

/** Reads the worker's configuration. Throws `ConfigError` naming every variable that is missing or wrong. */
export function readWorkerConfig(environment: Environment) {
  const values = read(workerSchema, environment);
  const offset = values.WLOPS_PORT_OFFSET;
  const service = (address: string | undefined, explicit: number | undefined, standard: number) =>
    address ?? `http://127.0.0.1:${withOffset(explicit, standard, offset)}`;
  return Object.freeze({
    ...sharedPart(values),
    metrics: { host: values.WLOPS_METRICS_HOST, port: withOffset(values.WLOPS_METRICS_PORT, 9464, offset) },
    serviceSecret: values.WLOPS_SERVICE_SECRET,
    services: {
      optimizer: service(values.WLOPS_OPTIMIZER_URL, values.WLOPS_OPTIMIZER_PORT, 8002),
      evaluator: service(values.WLOPS_EVALUATOR_URL, values.WLOPS_EVALUATOR_PORT, 8003),
      trainer: service(values.WLOPS_TRAINER_URL, values.WLOPS_TRAINER_PORT, 8004),
    },
    slots: {
      optimize: values.WLOPS_OPTIMIZE_SLOTS,
      train: values.WLOPS_TRAIN_SLOTS,
      evaluate: values.WLOPS_EVALUATE_SLOTS,
    },
    pollIntervalMs: values.WLOPS_POLL_INTERVAL_MS,
    /** Null: the worker takes any task at once, and is no version of a deployment. */
    version: values.WLOPS_WORKER_BUILD_ID ? { deploymentName: 'wlops', buildId: values.WLOPS_WORKER_BUILD_ID } : null,
    schedules: {
      sweepStartsSeconds: values.WLOPS_SWEEP_STARTS_SECONDS,
      reconcileSeconds: values.WLOPS_RECONCILE_SECONDS,
      retentionSeconds: values.WLOPS_RETENTION === 'on' ? values.WLOPS_RETENTION_EVERY_SECONDS : null,
    },
    retention: {
      retentionMs: values.WLOPS_RETENTION_DAYS * 86_400_000,
      graceMs: values.WLOPS_RETENTION_GRACE_HOURS * 3_600_000,
    },
    reconcileQuietSeconds: values.WLOPS_RECONCILE_QUIET_SECONDS,
    /** The trainer has the address and the keys; the worker only needs to know that there is a server to be told. */
    hasMlflow: values.MLFLOW_TRACKING_URI !== undefined,
  });
}

export type ApiConfig = ReturnType<typeof readApiConfig>;
export type WorkerConfig = ReturnType<typeof readWorkerConfig>;
