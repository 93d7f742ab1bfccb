/**
 * The API process: listens, answers 503 until it has its database, its bucket and the first administrator, serves, and drains on SIGTERM
 * or SIGINT.
 * Migrations are applied by whoever starts the stack; a schema that is behind is refused with a clear word.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { ConfigError, readApiConfig, type ApiConfig } from './config';
import modelCatalog from './contracts/model-catalog.json';
import { createDb, type Db } from './db';
import { eventually } from './eventually';
import { createApp } from './http/app';
import { createLogger, type Logger } from './logger';
import { missingMigrations, pingDatabase } from './repositories/schema-version';
import { TaskRecordRepository } from './repositories/task-records';
import { UserRepository } from './repositories/users';
import { UserService } from './services/accounts/user-service';
import { systemClock } from './services/clock';
import { sweepUploadsUntil } from './services/datasets/upload-sweeper';
import type { TaskWorkflows } from './services/tasks/control-task';
import type { ModelCatalog } from './services/tasks/model-catalog';
import { TaskReportService } from './services/tasks/task-reports';
import { createModelResolver } from './services/tasks/trainer-client';
import { S3ObjectStore } from './storage/s3-object-store';
import { isTemporalReachable, lazyTemporalClient } from './temporal/connection';
import {
  cancelTask,
  failTask,
  pauseTask,
  resumeTask,
  updateHyperparameters,
  updateStopConditions,
} from './temporal/control-task';
import { retentionReport, startRetention } from './temporal/retention';
import { sweepStarts } from './temporal/start-sweeper';
import { startTask } from './temporal/start-task';
import { VERSION } from './version';

/** An upload may take hours, but not be silent that long. */
const SILENCE_MS = 120_000;
/** Docker kills after ten seconds. */
const DRAIN_MS = 8_000;
const EVENT_POLL_MS = 500;

/** A fault that waiting cannot mend. */
class StartError extends Error {
  override readonly name = 'StartError';
}

class StillStarting extends Error {
  readonly code = 'STILL_STARTING';
}

/** Names of the migrations this program was built with; they lie beside `src` and, compiled, one folder further up. */
function expectedMigrations(): string[] {
  const folder = ['../prisma/migrations', '../../prisma/migrations']
    .map((relative) => path.resolve(__dirname, relative))
    .find((candidate) => existsSync(candidate));
  if (!folder) throw new StartError('the folder prisma/migrations is missing from this installation');
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function schemaIsBehind(missing: string[]): StartError {
  return new StartError(
    `the database schema is behind: ${missing.join(', ')} not applied. Run: node tools/prisma/migrate.mjs (with DATABASE_URL set)`,
  );
}

function taskWorkflows(client: Client): TaskWorkflows {
  return {
    start: (spec) => startTask(client, spec),
    pause: (taskId, request) => pauseTask(client, taskId, request),
    resume: (taskId, request) => resumeTask(client, taskId, request),
    cancel: (taskId, request) => cancelTask(client, taskId, request),
    fail: (taskId, request) => failTask(client, taskId, request),
    updateStopConditions: (taskId, request) => updateStopConditions(client, taskId, request),
    updateHyperparameters: (taskId, request) => updateHyperparameters(client, taskId, request),
  };
}

async function prepare(
  config: ApiConfig,
  db: Db,
  store: S3ObjectStore,
  logger: Logger,
  ended: AbortSignal,
): Promise<void> {
  const expected = expectedMigrations();
  const waitFor = <Result>(what: string, attempt: () => Promise<Result>) => eventually(what, attempt, logger, ended);
  const missing = await waitFor('the database', () => missingMigrations(db, expected));
  if (missing?.length) throw schemaIsBehind(missing);
  await waitFor(`the bucket ${config.s3.bucket} at ${config.s3.endpoint}`, () => store.ensureBucket());
  const { email, password } = config.admin;
  if (ended.aborted || !email || !password) return;
  const created = await new UserService(new UserRepository(db), systemClock).bootstrapAdmin(email, password);
  if (created) logger.info({ email }, 'created the first administrator');
}

/** What an API that died had promised to start does not wait for the worker's schedule, which makes up for what fails here. */
async function sweepOnce(records: TaskRecordRepository, client: Client, logger: Logger): Promise<void> {
  try {
    await sweepStarts(records, client, logger, new Date(), 0);
  } catch (error) {
    logger.warn({ err: error }, 'starts in doubt could not be swept at the start of the API');
  }
}

async function listen(server: Server, { host, port }: ApiConfig): Promise<void> {
  server.headersTimeout = 15_000;
  server.requestTimeout = 0; // Uploads take as long as they take; silence ends them.
  server.timeout = SILENCE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new StartError(
              `port ${port} is taken by another program; set WLOPS_API_PORT or WLOPS_PORT_OFFSET to choose another`,
            )
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });
}

/** Takes no new work and lets what runs end, within bounds. */
async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(timer);
}

async function main(): Promise<void> {
  const config = readApiConfig(process.env);
  const logger = createLogger('api', config.logLevel);
  const ended = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ended.abort());
  process.on('unhandledRejection', (error) => logger.error({ err: error }, 'a promise was rejected and nobody looked'));

  const db = createDb(config.databaseUrl);
  const store = new S3ObjectStore(config.s3);
  const client = lazyTemporalClient(config.temporal);
  const records = new TaskRecordRepository(db);
  let prepared = false;
  let server: Server | null = null;
  try {
    const app = createApp({
      db,
      store,
      workflows: taskWorkflows(client),
      reports: new TaskReportService(records, store, logger),
      retention: {
        start: (request) => startRetention(client, request),
        report: (retentionId) => retentionReport(client, retentionId),
      },
      catalog: modelCatalog as unknown as ModelCatalog, // JSON imports type every key of every model apart.
      resolveModel: createModelResolver(config.trainerUrl, config.serviceSecret),
      readinessChecks: {
        start: () => (prepared ? Promise.resolve() : Promise.reject(new StillStarting())),
        database: () => pingDatabase(db),
        objectStore: () => store.ping(),
        temporal: async () => {
          if (!(await isTemporalReachable(client, 2_500))) throw new Error('Temporal does not answer');
        },
      },
      isPrepared: () => prepared,
      logger,
      clock: systemClock,
      settings: { ...config, version: VERSION, eventPollMs: EVENT_POLL_MS },
      draining: ended.signal,
    });
    server = createServer(app.express);
    await listen(server, config);
    await prepare(config, db, store, logger, ended.signal);
    if (ended.signal.aborted) return;
    prepared = true;
    void sweepUploadsUntil(ended.signal, { store, logger, clock: systemClock });
    void sweepOnce(records, client, logger);
    logger.info({ host: config.host, port: config.port }, 'API is ready');
    await new Promise<void>((resolve) => {
      if (ended.signal.aborted) resolve();
      ended.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    logger.info('API is draining');
  } finally {
    if (server?.listening) await drain(server);
    await client.connection.close();
    await db.$disconnect();
    store.close();
  }
  logger.info('API has ended');
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError || error instanceof StartError) process.stderr.write(`${error.message}\n`);
  else createLogger('api', 'info').fatal({ err: error }, 'the API failed');
  process.exitCode = 1;
});
