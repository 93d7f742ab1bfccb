/** The control centre as an Express application. Everything it needs is given to it; listening and draining are `main-api.ts`'s. */
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Db } from '../db';
import type { Logger } from '../logger';
import { DatasetRepository } from '../repositories/datasets';
import { IdempotencyRepository } from '../repositories/idempotency-keys';
import { SessionRepository } from '../repositories/sessions';
import { TaskHistoryRepository } from '../repositories/task-history';
import { TaskRepository } from '../repositories/tasks';
import { UserRepository } from '../repositories/users';
import { AccountService } from '../services/accounts/account-service';
import { AccessTokens } from '../services/accounts/tokens';
import { UserService } from '../services/accounts/user-service';
import type { Clock } from '../services/clock';
import { DatasetService } from '../services/datasets/dataset-service';
import { UploadService } from '../services/datasets/upload-service';
import { IdempotencyService } from '../services/idempotency';
import type { ReadinessCheck } from '../services/readiness';
import { TaskControl, type TaskWorkflows } from '../services/tasks/control-task';
import { TaskCreation } from '../services/tasks/create-task';
import { ModelService, type ModelCatalog, type ResolveModel } from '../services/tasks/model-catalog';
import { TaskQueries } from '../services/tasks/task-queries';
import type { ObjectStore } from '../storage/object-store';
import { adminRoutes, type RetentionPasses } from './admin/routes';
import { Api } from './api';
import { authRoutes } from './auth/routes';
import { datasetRoutes } from './datasets/routes';
import { openApiDocument } from './docs/openapi';
import { docsRoutes } from './docs/routes';
import { errorEdge, unknownRoute } from './errors';
import { ApiMetrics, healthRoutes } from './health/routes';
import { createRateLimits, DEFAULT_RATE_LIMITS, type RateLimitSettings } from './middleware/rate-limits';
import { requestLog } from './middleware/request-log';
import type { Operation } from './operation';
import { taskHistoryRoutes, type TaskReports } from './tasks/history-routes';
import { taskRoutes } from './tasks/routes';
import { userRoutes } from './users/routes';

export interface AppDeps {
  db: Db;
  store: ObjectStore;
  workflows: TaskWorkflows;
  reports: TaskReports;
  retention: RetentionPasses;
  catalog: ModelCatalog;
  resolveModel: ResolveModel;
  readinessChecks: Record<string, ReadinessCheck>;
  isPrepared: () => boolean;
  logger: Logger;
  clock: Clock;
  settings: AppSettings;
  /** Aborted when the process drains: long-lived answers end then. */
  draining: AbortSignal;
}

export interface AppSettings {
  version: string;
  jwtSecret: string;
  accessTokenSeconds: number;
  refreshTokenSeconds: number;
  maxUploadBytes: number;
  /** How often an event stream looks for new events. */
  eventPollMs: number;
  rateLimits?: RateLimitSettings;
}

export interface App {
  express: Express;
  operations: readonly Operation[];
}

/** Puts the application together: the API's operations, their documentation, and one answer for every fault. Does not listen. */
export function createApp(deps: AppDeps): App {
  const { db, store, clock, settings, logger } = deps;
  const users = new UserRepository(db);
  const datasets = new DatasetRepository(db);
  const tasks = new TaskRepository(db);
  const tokens = new AccessTokens(settings.jwtSecret, settings.accessTokenSeconds);
  const sessions = new SessionRepository(db);
  const accounts = new AccountService({
    users,
    sessions,
    tokens,
    refreshTokenSeconds: settings.refreshTokenSeconds,
    clock,
  });
  const idempotency = new IdempotencyService(new IdempotencyRepository(db), clock);
  const models = new ModelService(deps.catalog, deps.resolveModel);
  const queries = new TaskQueries(tasks, new TaskHistoryRepository(db));
  const metrics = new ApiMetrics();

  const api = new Api({
    accounts,
    idempotency,
    isPrepared: deps.isPrepared,
    rateLimits: createRateLimits(settings.rateLimits ?? DEFAULT_RATE_LIMITS),
  });
  authRoutes(api, accounts);
  userRoutes(api, new UserService(users, clock));
  datasetRoutes(api, {
    datasets: new DatasetService(datasets, store, clock),
    uploads: new UploadService(datasets, users, store, logger),
    idempotency,
    maxUploadBytes: settings.maxUploadBytes,
  });
  taskRoutes(api, {
    creation: new TaskCreation({ tasks, datasets, users, models }),
    control: new TaskControl({ tasks, workflows: deps.workflows, logger, clock }),
    queries,
  });
  taskHistoryRoutes(api, {
    queries,
    reports: deps.reports,
    eventPollMs: settings.eventPollMs,
    draining: deps.draining,
  });
  adminRoutes(api, deps.retention);
  healthRoutes(api, metrics, deps.readinessChecks);

  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  // A stack may be reached over plain http: nothing may ask the browser to load its pages' parts over https.
  const security = helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } });
  app.use(requestLog(logger), metrics.measure(), security);
  app.use(api.router);
  app.use(docsRoutes(openApiDocument(api.operations, settings.version)));
  app.use(unknownRoute, errorEdge);
  return { express: app, operations: api.operations };
}
