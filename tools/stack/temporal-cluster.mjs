// @ts-check
// The full Temporal server on the embedded PostgreSQL, in two databases of its own: its configuration, its schema, its namespace.
// Chosen by WLOPS_TEMPORAL_STORE=postgresql; the development server on SQLite is in temporal.mjs.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { createDatabase } from '../prisma/migrate.mjs';
import { run } from '../shared/commands.mjs';
import { ROOT } from '../shared/paths.mjs';
import { UserError } from '../shared/errors.mjs';
import { waitUntil } from '../shared/wait.mjs';
import { databaseAddress } from './postgres.mjs';
import { temporalServicePorts } from './temporal-ports.mjs';

const PLUGIN = 'postgres12';
const DATABASES = /** @type {const} */ ({
  default: { name: 'temporal', schema: 'postgresql/v12/temporal' },
  visibility: { name: 'temporal_visibility', schema: 'postgresql/v12/visibility' },
});
/** Cannot be changed later. One machine; the file for containers, which may grow, has 512. */
const HISTORY_SHARDS = 16;
const HOST = '127.0.0.1';
const RETENTION_SECONDS = 30 * 24 * 3600;
/** A new namespace reaches the frontend's cache after some seconds. */
const NAMESPACE_TIMEOUT_MS = 40_000;

/**
 * What may change while it runs. Ids of up to 255 bytes fit PostgreSQL's indexes; users share task queues fairly; a new namespace and
 * its search attributes are there at once, which is what `npm start` waits for.
 */
const DYNAMIC_CONFIG = {
  'limit.maxIDLength': [{ value: 255 }],
  'matching.useNewMatcher': [{ value: true }],
  'matching.enableFairness': [{ value: true }],
  'system.forceSearchAttributesCacheRefreshOnRead': [{ value: true }],
};

/**
 * @typedef {object} DatabaseServer the account that may make databases
 * @property {number} port
 * @property {string} user
 * @property {string} password
 *
 * @typedef {object} ClusterPlace
 * @property {string} dataDir
 * @property {number} port of the frontend
 * @property {DatabaseServer} database
 */

/** What each store leaves in the data folder. */
const TRACES = { sqlite: 'temporal.sqlite', postgresql: path.join('temporal', 'server.yaml') };

/**
 * Running tasks would be lost to a server that does not know their histories.
 * @param {{ dataDir: string, temporalStore: 'sqlite' | 'postgresql' }} settings
 * @throws {UserError} when the data folder was begun with the other store
 */
export function checkTemporalStore({ dataDir, temporalStore }) {
  const other = temporalStore === 'sqlite' ? 'postgresql' : 'sqlite';
  if (!fs.existsSync(path.join(dataDir, TRACES[other]))) return;
  throw new UserError(
    `${dataDir} was begun with WLOPS_TEMPORAL_STORE=${other}, and its tasks live there; set it so, or WLOPS_DATA_DIR to another folder`,
  );
}

/** @param {DatabaseServer} database @param {string} name */
const sqlStore = ({ port, user, password }, name) => ({
  sql: {
    pluginName: PLUGIN,
    databaseName: name,
    connectAddr: `${HOST}:${port}`,
    connectProtocol: 'tcp',
    user,
    password,
    maxConns: 20,
    maxIdleConns: 20,
    maxConnLifetime: '1h',
  },
});

/** @param {ClusterPlace} place @param {string} dynamicConfigFile */
function configuration({ port, database }, dynamicConfigFile) {
  const services = Object.entries(temporalServicePorts(port)).map(([name, { grpc, ring }]) => [
    name,
    { rpc: { grpcPort: grpc, membershipPort: ring, bindOnIP: HOST } },
  ]);
  return {
    log: { stdout: true, level: 'warn', format: 'json' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: HISTORY_SHARDS,
      datastores: Object.fromEntries(
        Object.entries(DATABASES).map(([store, { name }]) => [store, sqlStore(database, name)]),
      ),
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: HOST } },
    services: Object.fromEntries(services),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `${HOST}:${port}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    publicClient: { hostPort: `${HOST}:${port}` },
    dynamicConfigClient: { filepath: dynamicConfigFile, pollInterval: '10s' },
  };
}

/**
 * Writes the configuration, readable by its owner only for it holds the password, and says how the server is run with it. JSON is YAML.
 * @param {ClusterPlace} place
 */
export function temporalClusterArguments(place) {
  const folder = path.join(place.dataDir, 'temporal');
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const dynamicConfigFile = path.join(folder, 'dynamic-config.yaml');
  const configFile = path.join(folder, 'server.yaml');
  fs.writeFileSync(dynamicConfigFile, JSON.stringify(DYNAMIC_CONFIG, null, 2));
  fs.writeFileSync(configFile, JSON.stringify(configuration(place, dynamicConfigFile), null, 2), { mode: 0o600 });
  return ['--config-file', configFile, '--allow-no-auth', 'start'];
}

/**
 * Makes the databases and brings them to the schema of the tool's version. Safe to repeat: what is there is left, what is missing applied.
 * @param {{ sqlTool: string, database: DatabaseServer, logFile: string, env: NodeJS.ProcessEnv }} options
 * @throws {UserError}
 */
export async function prepareTemporalDatabases({ sqlTool, database, logFile, env }) {
  const { port, user, password } = database;
  const common = ['--plugin', PLUGIN, '--endpoint', HOST, '--port', String(port), '--user', user];
  const tool = (/** @type {string} */ name, /** @type {string[]} */ ...args) =>
    run(sqlTool, [...common, '--database', name, ...args], {
      logFile,
      what: `the schema of Temporal's database ${name}`,
      env: { PATH: env.PATH, HOME: env.HOME, SQL_PASSWORD: password },
    });
  await Promise.all(
    Object.values(DATABASES).map(async ({ name, schema }) => {
      await createDatabase(databaseAddress({ port, password }, name));
      await tool(name, 'setup-schema', '--version', '0.0');
      await tool(name, 'update-schema', '--schema-name', schema);
    }),
  );
}

/** Whether all parts of the server have found each other and the database answers. @param {string} address */
export async function temporalClusterAnswers(address) {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1000 });
    try {
      const ask = () => connection.workflowService.listNamespaces({ pageSize: 1 });
      await connection.withDeadline(Date.now() + 2000, ask);
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/**
 * The namespace with the search attributes that tasks write. Safe to repeat.
 * @param {string} address
 * @param {string} namespace
 * @throws {UserError} when the server does not take them in time
 */
export async function prepareNamespace(address, namespace) {
  const { registerSearchAttributes } = createRequire(import.meta.url)(
    path.join(ROOT, 'dist/src/temporal/search-attributes.js'),
  );
  const connection = await Connection.connect({ address });
  try {
    let last = '';
    const done = await waitUntil(
      async () => {
        try {
          await registerNamespace(connection, namespace);
          await registerSearchAttributes(connection, namespace);
          return true;
        } catch (error) {
          last = error instanceof Error ? error.message : String(error);
          return false;
        }
      },
      { timeoutMs: NAMESPACE_TIMEOUT_MS, intervalMs: 250 },
    );
    if (!done) throw new UserError(`Temporal does not take the namespace ${namespace}: ${last}`);
  } finally {
    await connection.close();
  }
}

const NOT_FOUND = 5;

/** @param {Connection} connection @param {string} namespace */
async function registerNamespace({ workflowService }, namespace) {
  try {
    await workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (/** @type {{ code?: number }} */ (error).code !== NOT_FOUND) throw error;
    await workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: /** @type {any} */ ({ seconds: RETENTION_SECONDS }),
    });
    await workflowService.describeNamespace({ namespace });
  }
}
