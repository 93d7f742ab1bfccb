/**
 * The control centre as tests use it: the real application on a real port, over the real database and a real S3 server. Temporal is
 * the one thing that is replaced, by a double that remembers what it was asked; `activities` and `workflows` have their own tests.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import pino from 'pino';
import modelCatalog from '../contracts/model-catalog.json';
import type { RetentionReport } from '../contracts/maintenance';
import type { ControlAnswer } from '../contracts/task-workflow';
import { createDb, type Db } from '../db';
import { AppError } from '../domain/errors';
import type { StopConditions } from '../domain/stop-conditions';
import type { RetentionPasses } from '../http/admin/routes';
import { createApp, type App, type AppSettings } from '../http/app';
import { TaskRecordRepository } from '../repositories/task-records';
import { pingDatabase } from '../repositories/schema-version';
import { systemClock, type Clock } from '../services/clock';
import type { TaskWorkflows } from '../services/tasks/control-task';
import type { ModelCatalog, ResolveModel } from '../services/tasks/model-catalog';
import { TaskReportService } from '../services/tasks/task-reports';
import { S3ObjectStore } from '../storage/s3-object-store';
import { ApiClient } from './api-client';
import { startTestS3 } from './s3';

export const JWT_SECRET = 'a-secret-for-tests-only-0123456789abcdef';

/** Remembers calls; answers as set, or refuses as if Temporal were down. */
export class RecordingWorkflows implements TaskWorkflows {
  readonly calls: { name: string; args: unknown[] }[] = [];
  answer: ControlAnswer = { status: 'SUSPENDED', controlState: 'none' };
  stopConditions: StopConditions = {
    maxIterations: 10,
    performanceThreshold: null,
    plateau: null,
    budget: null,
    deadline: null,
    rule: 'point',
  };
  fault: Error | null = null;

  private record(name: string, ...args: unknown[]): void {
    this.calls.push({ name, args });
    if (this.fault) throw this.fault;
  }

  /** As `src/temporal` answers when the server cannot be reached. */
  goDown(): void {
    this.fault = new AppError('SERVICE_UNAVAILABLE', 'Temporal does not answer', { retryAfterSeconds: 5 });
  }

  reset(): void {
    this.calls.length = 0;
    this.fault = null;
    this.answer = { status: 'SUSPENDED', controlState: 'none' };
  }

  async start(...args: unknown[]): Promise<void> {
    this.record('start', ...args);
  }

  async pause(...args: unknown[]): Promise<ControlAnswer> {
    this.record('pause', ...args);
    return this.answer;
  }

  async resume(...args: unknown[]): Promise<ControlAnswer> {
    this.record('resume', ...args);
    return this.answer;
  }

  async cancel(...args: unknown[]): Promise<void> {
    this.record('cancel', ...args);
  }

  async fail(...args: unknown[]): Promise<void> {
    this.record('fail', ...args);
  }

  async updateHyperparameters(...args: unknown[]): Promise<Record<string, number>> {
    this.record('updateHyperparameters', ...args);
    return { checkpoint_interval_seconds: 45 };
  }

  async updateStopConditions(...args: unknown[]): Promise<StopConditions> {
    this.record('updateStopConditions', ...args);
    return this.stopConditions;
  }
}

/** Remembers which passes were started; answers with the report that is set, or none. */
export class RecordingRetention implements RetentionPasses {
  readonly started: boolean[] = [];
  result: RetentionReport | null = null;

  async start({ dryRun }: { dryRun: boolean }): Promise<string> {
    this.started.push(dryRun);
    return `${dryRun ? 'dry-run' : 'by-hand'}_1`;
  }

  async report(): Promise<RetentionReport | null> {
    return this.result;
  }
}

export interface TestApp {
  url: string;
  db: Db;
  store: S3ObjectStore;
  workflows: RecordingWorkflows;
  retention: RecordingRetention;
  operations: App['operations'];
  /** Log lines of level error. */
  errors: Record<string, unknown>[];
  /** A client without a token. */
  anonymous: ApiClient;
  close(): Promise<void>;
}

export interface TestAppOptions {
  clock?: Clock;
  resolveModel?: ResolveModel;
  settings?: Partial<AppSettings>;
}

function databaseUrl(): string {
  const url = process.env.WLOPS_TEST_DATABASE_URL;
  if (!url) throw new Error('WLOPS_TEST_DATABASE_URL is not set; jest sets it in src/testing/global-setup.cjs');
  return url;
}

const NO_LIMITS = 1_000_000;

export async function openTestApp({
  clock = systemClock,
  resolveModel,
  settings,
}: TestAppOptions = {}): Promise<TestApp> {
  const s3 = await startTestS3();
  const db = createDb(databaseUrl());
  const store = new S3ObjectStore(s3.options);
  await store.ensureBucket();
  const workflows = new RecordingWorkflows();
  const retention = new RecordingRetention();
  const errors: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      errors.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  const logger = pino({ level: 'error' }, sink);
  const draining = new AbortController();
  const app = createApp({
    db,
    store,
    workflows,
    retention,
    reports: new TaskReportService(new TaskRecordRepository(db), store, logger),
    catalog: modelCatalog as unknown as ModelCatalog,
    resolveModel: resolveModel ?? (() => Promise.resolve()),
    isPrepared: () => true,
    readinessChecks: { database: () => pingDatabase(db), objectStore: () => store.ping() },
    logger,
    clock,
    draining: draining.signal,
    settings: {
      version: '0.0.0-test',
      jwtSecret: JWT_SECRET,
      accessTokenSeconds: 900,
      refreshTokenSeconds: 3600,
      maxUploadBytes: 1024 ** 3,
      eventPollMs: 20,
      rateLimits: {
        windowSeconds: 900,
        loginFailuresPerAccountAndAddress: NO_LIMITS,
        loginFailuresPerAccount: NO_LIMITS,
        loginFailuresPerAddress: NO_LIMITS,
        registrationsPerAddress: NO_LIMITS,
        refreshFailuresPerAddress: NO_LIMITS,
      },
      ...settings,
    },
  });
  const server = createServer(app.express);
  const url = await listen(server);
  return {
    url,
    db,
    store,
    workflows,
    retention,
    errors,
    operations: app.operations,
    anonymous: new ApiClient(url, app.operations),
    close: async () => {
      draining.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await db.$disconnect();
      store.close();
      await s3.stop();
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
