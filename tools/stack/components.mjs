// @ts-check
// What the stack consists of: for each component the command, the environment and the sign that it is ready. The order of starting is
// in stack.mjs.
import fs from 'node:fs';
import path from 'node:path';
import { PYTHON_SERVICES, ROOT } from '../shared/paths.mjs';
import { UserError } from '../shared/errors.mjs';
import { preparePostgres, SUPERUSER } from './postgres.mjs';
import { routed } from './routes.mjs';
import { controlEnvironment, ownerKeys, serviceEnvironment, serviceKeys } from './s3-keys.mjs';
import { hasOwnTemporalUi } from './settings.mjs';
import { temporalAnswers, temporalArguments } from './temporal.mjs';
import { temporalClusterAnswers, temporalClusterArguments } from './temporal-cluster.mjs';

/** Importing PyTorch from a cold disk takes most of it. */
const SERVICE_READY_TIMEOUT_MS = 180_000;
const READY_TIMEOUT_MS = 60_000;
/**
 * More than the API takes to finish its requests and the worker to let go of its activities, 8 s each, and a Python service to answer its
 * requests (2 s) and let its jobs save (5 s).
 */
const DRAIN_GRACE_MS = 10_000;

/** Name of the component, its Python package, and the variable of its port. */
const PYTHON_COMPONENTS = /** @type {const} */ ([
  ['optimizer', 'data_optimizer'],
  ['evaluator', 'evaluator'],
  ['trainer', 'trainer'],
]);

/**
 * @typedef {import('./managed-process.mjs').ProcessSpec} ProcessSpec
 * @typedef {import('./settings.mjs').StackSettings} StackSettings
 * @typedef {import('../setup/setup.mjs').Installation} Installation
 *
 * @typedef {object} Context
 * @property {StackSettings} settings
 * @property {Installation} installation
 * @property {import('./secrets.mjs').Secrets} secrets
 * @property {NodeJS.ProcessEnv} env
 * @property {import('./routes.mjs').Route} [route] absent: straight
 */

/** @param {number} port */
const local = (port) => `http://127.0.0.1:${port}`;

/**
 * Whether an address answers with a success, or with anything at all.
 * @param {string} url
 * @param {{ anyStatus?: boolean }} [options]
 */
export async function httpAnswers(url, { anyStatus = false } = {}) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return anyStatus || response.ok;
  } catch {
    return false;
  }
}

/** @param {Context} context @param {string} name @returns {Pick<ProcessSpec, 'name' | 'logFile' | 'cwd' | 'stopSignal' | 'stopGraceMs' | 'readyTimeoutMs'>} */
function common({ settings }, name) {
  return {
    name,
    logFile: path.join(settings.dataDir, 'logs', `${name}.log`),
    cwd: ROOT,
    stopSignal: 'SIGTERM',
    stopGraceMs: 5000,
    readyTimeoutMs: READY_TIMEOUT_MS,
  };
}

/** @param {Context} context @returns {Promise<{ spec: ProcessSpec, url: string }>} `url` holds the password, the spec's does not */
export async function postgresComponent(context) {
  const { settings, secrets, env } = context;
  const { port } = settings.ports.postgres;
  const server = await preparePostgres({ dataDir: settings.dataDir, port, password: secrets.postgresPassword, env });
  const { command, args, runAs, isReady, publicUrl: url } = server;
  /** @type {ProcessSpec} */
  // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait until every client is gone.
  const spec = {
    ...common(context, 'postgres'),
    command,
    args,
    env: server.env,
    cwd: '/',
    port,
    url,
    isReady,
    runAs,
    stopSignal: 'SIGINT',
  };
  return { spec, url: server.url };
}

/** The program of a server that must run here. @param {import('../servers/obtain.mjs').Server | undefined} server @param {string} name */
function programOf(server, name) {
  if (server && server.origin !== 'address') return server.file;
  throw new UserError(`there is no program for ${name}; run npm run setup`);
}

/** @param {Context} context @returns {ProcessSpec} */
export function s3Component(context) {
  const { settings, installation, env } = context;
  const { port } = settings.ports.s3;
  const objects = path.join(settings.dataDir, 's3');
  const accounts = path.join(settings.dataDir, 's3-accounts');
  const keys = ownerKeys(context);
  for (const folder of [objects, accounts]) fs.mkdirSync(folder, { recursive: true });
  return {
    ...common(context, 's3'),
    command: programOf(installation.servers.s3, 's3'),
    args: [
      ...['--port', `127.0.0.1:${port}`, '--region', env.S3_REGION || 'us-east-1', '--quiet'],
      // Its cache of accounts sometimes goes on taking a secret that was replaced, for two minutes.
      ...['--iam-dir', accounts, '--iam-cache-disable'],
      ...['posix', objects],
    ],
    env: { PATH: env.PATH, ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
    port,
    url: local(port),
    isReady: () => httpAnswers(local(port), { anyStatus: true }),
  };
}

/** The account that the full Temporal server uses. @param {Context} context @param {number} port @returns {import('./temporal-cluster.mjs').DatabaseServer} */
const temporalDatabase = ({ secrets }, port) => ({ port, user: SUPERUSER, password: secrets.postgresPassword });

/** What it takes to make the tables of the full Temporal server. @param {Context} context */
export function temporalSchema(context) {
  const { settings, installation, env } = context;
  return {
    sqlTool: programOf(installation.servers.temporalSqlTool, 'the schema of Temporal'),
    database: temporalDatabase(context, settings.ports.postgres.port),
    logFile: path.join(settings.dataDir, 'logs', 'temporal-schema.log'),
    env,
  };
}

/** The full server, on the embedded PostgreSQL. @param {Context} context @returns {ProcessSpec} */
export function temporalClusterComponent(context) {
  const { settings, installation, env, route } = context;
  const { postgres, temporal } = settings.ports;
  const database = temporalDatabase(context, route?.('temporal', 'postgres', postgres.port) ?? postgres.port);
  const address = `127.0.0.1:${temporal.port}`;
  return {
    ...common(context, 'temporal'),
    command: programOf(installation.servers.temporalServer, 'temporal'),
    args: temporalClusterArguments({ dataDir: settings.dataDir, port: temporal.port, database }),
    env: { PATH: env.PATH, HOME: env.HOME },
    port: temporal.port,
    url: address,
    isReady: () => temporalClusterAnswers(address),
  };
}

/** The development server, on a SQLite file. @param {Context} context @returns {ProcessSpec} */
export function temporalComponent(context) {
  const { settings, installation, env } = context;
  const { port } = settings.ports.temporal;
  const uiPort = settings.ports.temporalUi.port;
  return {
    ...common(context, 'temporal'),
    command: programOf(installation.servers.temporal, 'temporal'),
    args: temporalArguments({ dataDir: settings.dataDir, port, uiPort, namespace: settings.temporalNamespace }),
    // The CLI would read the address of another server from the environment.
    env: { PATH: env.PATH, HOME: env.HOME },
    port,
    url: `127.0.0.1:${port}`,
    isReady: () => temporalAnswers(`127.0.0.1:${port}`, settings.temporalNamespace),
  };
}

/**
 * The environment of WLOps' own programs: everything the person set, and the addresses and secrets of this stack.
 * @param {Context} context
 * @param {string} databaseUrl
 * @returns {NodeJS.ProcessEnv}
 */
export function applicationEnvironment(context, databaseUrl) {
  const { settings, secrets, env } = context;
  const keys = ownerKeys(context);
  const { ports, given } = settings;
  const portVariables = Object.values(ports).map(({ variable, port }) => [variable, String(port)]);
  const uiUrl = hasOwnTemporalUi(settings) ? local(ports.temporalUi.port) : env.WLOPS_TEMPORAL_UI_URL;
  return {
    ...env,
    ...Object.fromEntries(portVariables),
    WLOPS_DATA_DIR: settings.dataDir,
    // Said once for every process of each start, of a version that works: the README says which are needed.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    WLOPS_JWT_SECRET: env.WLOPS_JWT_SECRET || secrets.jwtSecret,
    WLOPS_SERVICE_SECRET: env.WLOPS_SERVICE_SECRET || secrets.serviceSecret,
    WLOPS_ADMIN_EMAIL: secrets.adminEmail,
    WLOPS_ADMIN_PASSWORD: secrets.adminPassword,
    WLOPS_OPTIMIZER_URL: given.optimizer ?? local(ports.optimizer.port),
    WLOPS_EVALUATOR_URL: given.evaluator ?? local(ports.evaluator.port),
    WLOPS_TRAINER_URL: given.trainer ?? local(ports.trainer.port),
    DATABASE_URL: databaseUrl,
    S3_ENDPOINT: given.s3 ?? local(ports.s3.port),
    S3_REGION: env.S3_REGION || 'us-east-1',
    S3_ACCESS_KEY_ID: keys.accessKeyId,
    S3_SECRET_ACCESS_KEY: keys.secretAccessKey,
    S3_BUCKET: settings.bucket,
    TEMPORAL_ADDRESS: given.temporal ?? `127.0.0.1:${ports.temporal.port}`,
    TEMPORAL_NAMESPACE: settings.temporalNamespace,
    ...(uiUrl ? { WLOPS_TEMPORAL_UI_URL: uiUrl } : {}),
  };
}

/** The three Python services. @param {Context} context @param {NodeJS.ProcessEnv} env @returns {ProcessSpec[]} */
export function pythonComponents(context, env) {
  const { settings, installation } = context;
  const searchPath = [PYTHON_SERVICES, path.join(PYTHON_SERVICES, 'common')].join(path.delimiter);
  const keys = serviceKeys(context);
  return PYTHON_COMPONENTS.filter(([name]) => !settings.given[name]).map(([name, module]) => {
    const url = local(settings.ports[name].port);
    return {
      ...common(context, name),
      command: installation.python,
      args: ['-m', module],
      cwd: PYTHON_SERVICES,
      env: {
        ...routed(name, serviceEnvironment(name, env, keys[name]), context.route),
        PYTHONPATH: searchPath,
        PYTHONUNBUFFERED: '1',
      },
      port: settings.ports[name].port,
      url,
      isReady: () => httpAnswers(`${url}/readyz`),
      readyTimeoutMs: SERVICE_READY_TIMEOUT_MS,
      stopGraceMs: DRAIN_GRACE_MS,
    };
  });
}

/** The worker and the API. @param {Context} context @param {NodeJS.ProcessEnv} env @returns {ProcessSpec[]} */
export function nodeComponents(context, env) {
  const { ports } = context.settings;
  return /** @type {const} */ (['worker', 'api']).map((name) => {
    const url = local(ports[name].port);
    return {
      ...common(context, name),
      stopGraceMs: DRAIN_GRACE_MS,
      command: process.execPath,
      args: ['--enable-source-maps', path.join(ROOT, `dist/src/main-${name}.js`)],
      env: routed(name, controlEnvironment(env), context.route),
      port: ports[name].port,
      url,
      isReady: () => httpAnswers(`${url}/readyz`),
    };
  });
}
