/**
 * The worker process: workflows and activities. Starts before its servers do and waits for them; ends on SIGTERM or SIGINT without
 * touching a running job, which the next worker takes up again.
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, type Worker } from '@temporalio/worker';
import type { Client, Connection } from '@temporalio/client';
import { createActivities } from '../activities';
import { createMaintenanceActivities } from '../activities/maintenance';
import { DEFAULT_END_TIMING } from '../activities/end-job';
import { PythonJobClient } from '../activities/python-job-client';
import { StoredFiles } from '../activities/report-files';
import { stopJob } from '../activities/stop-job';
import { ConfigError, readWorkerConfig, type WorkerConfig } from './config';
import type { ServiceName } from './contracts/jobs';
import { createDb, type Db } from './db';
import { eventually } from './eventually';
import { createLogger, type Logger } from './logger';
import { ReconciliationRepository } from './repositories/reconciliation';
import { RetentionRepository } from './repositories/retention';
import { TaskRecordRepository } from './repositories/task-records';
import { S3ObjectStore } from './storage/s3-object-store';
import { lazyTemporalClient } from './temporal/connection';
import { registerSearchAttributes } from './temporal/search-attributes';
import { ensureSchedules } from './temporal/schedules';
import { sweepStarts } from './temporal/start-sweeper';
import { installRuntime } from './temporal/worker-runtime';
import { createWorkers, runWorkers, type WorkflowSource } from './temporal/workers';
import { startHealthServer } from './worker-health';

const ORPHAN_LIMIT_MS = 10_000;
const DATABASE_CHECK_MS = 3_000;

/** Compiled, the bundle made by build-workflows.ts; from source, the SDK bundles at start. */
function workflowSource(): WorkflowSource {
  const bundle = path.join(__dirname, '../workflows/bundle.js');
  if (existsSync(bundle)) return { workflowBundle: { codePath: bundle } };
  return { workflowsPath: require.resolve('../workflows') };
}

function jobClients(config: WorkerConfig): Record<ServiceName, PythonJobClient> {
  const client = (service: ServiceName) =>
    new PythonJobClient({ service, baseUrl: config.services[service], serviceSecret: config.serviceSecret });
  return { optimizer: client('optimizer'), trainer: client('trainer'), evaluator: client('evaluator') };
}

async function unreachable(db: Db): Promise<string[]> {
  const answered = db.$queryRaw`SELECT 1`.then(
    () => true,
    () => false,
  );
  const inTime = await Promise.race([answered, sleep(DATABASE_CHECK_MS, false)]);
  return inTime ? [] : ['the database does not answer'];
}

/** A port for the SDK's metrics, which are served again by the health server. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

function endSignal(logger: Logger): AbortSignal {
  const ended = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      logger.info({ signal }, 'ending; running jobs go on and are taken up by the next worker');
      ended.abort();
    });
  }
  return ended.signal;
}

async function connectWorkers(
  config: WorkerConfig,
  client: Client,
  db: Db,
  store: S3ObjectStore,
  logger: Logger,
  ended: AbortSignal,
): Promise<{ connection: NativeConnection; workers: Worker[] } | null> {
  const { address, namespace } = config.temporal;
  const connection = await eventually(
    `Temporal at ${address}`,
    () => NativeConnection.connect({ address }),
    logger,
    ended,
  );
  if (!connection) return null;
  const records = new TaskRecordRepository(db);
  const clients = jobClients(config);
  const activities = createActivities({
    records,
    jobClients: clients,
    files: new StoredFiles(store),
    workflowClient: client.workflow,
    mirrorsChampion: config.hasMlflow,
    timing: { pollIntervalMs: config.pollIntervalMs },
  });
  const maintenance = createMaintenanceActivities({
    ...{ reads: new ReconciliationRepository(db), records, namespace, workflowClient: client.workflow },
    services: Object.values(clients),
    quietSeconds: config.reconcileQuietSeconds,
    retention: { rows: new RetentionRepository(db), store, ...config.retention },
    sweepStarts: () => sweepStarts(records, client, logger),
    tasks: {
      writeReport: activities.writeReport,
      // One job that does not end keeps the others waiting no longer than this; the next pass tries again.
      stopJob: (address) => stopJob(clients, { ...DEFAULT_END_TIMING, limitMs: ORPHAN_LIMIT_MS }, address),
    },
  });
  const workers = await eventually(
    `namespace ${namespace} of Temporal`,
    async () => {
      const added = await registerSearchAttributes(client.connection as Connection, namespace);
      if (added.length > 0) logger.info({ added }, 'registered search attributes');
      const { slots, version } = config;
      return createWorkers({
        ...{ connection, namespace, workflows: workflowSource(), slots, version },
        activities: { ...activities, ...maintenance },
      });
    },
    logger,
    ended,
  );
  if (workers) return { connection, workers };
  await connection.close();
  return null;
}

async function main(): Promise<void> {
  const config = readWorkerConfig(process.env);
  const logger = createLogger('worker', config.logLevel);
  const ended = endSignal(logger);
  const sdkMetricsPort = await freePort();
  installRuntime(logger, `127.0.0.1:${sdkMetricsPort}`);

  const db = createDb(config.databaseUrl);
  const store = new S3ObjectStore(config.s3);
  const client = lazyTemporalClient(config.temporal);
  let workers: Worker[] = [];
  const health = await startHealthServer({
    ...config.metrics,
    sdkMetricsUrl: `http://127.0.0.1:${sdkMetricsPort}/metrics`,
    notReady: async () => {
      const running = workers.length > 0 && workers.every((worker) => worker.getState() === 'RUNNING');
      return [...(running ? [] : ['not polling Temporal']), ...(await unreachable(db))];
    },
  });

  try {
    const connected = await connectWorkers(config, client, db, store, logger, ended);
    if (connected) {
      workers = connected.workers;
      // Tasks do not wait for it.
      void eventually('the schedules', () => ensureSchedules(client, config.schedules, logger), logger, ended);
      const stop = new Promise<void>((resolve) => {
        if (ended.aborted) resolve();
        ended.addEventListener('abort', () => resolve(), { once: true });
      });
      logger.info({ temporal: config.temporal, slots: config.slots, version: config.version }, 'worker is running');
      await runWorkers(workers, stop);
      await connected.connection.close();
    }
  } finally {
    health.close();
    health.closeAllConnections();
    await client.connection.close();
    await db.$disconnect();
    store.close();
  }
  logger.info('worker has ended');
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
  else createLogger('worker', 'info').fatal({ err: error }, 'worker failed');
  process.exitCode = 1;
});
