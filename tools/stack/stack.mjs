// @ts-check
// Starts the whole stack in order, keeps it running, and stops it in reverse order.
import path from 'node:path';
import { createDatabase, migrate } from '../prisma/migrate.mjs';
import { messageOf, UserError } from '../shared/errors.mjs';
import { noteFault } from '../shared/fault-log.cjs';
import { lockHolder, tryLock } from '../shared/lock.mjs';
import { makeDataDirectory, ROOT } from '../shared/paths.mjs';
import { processIdentity } from '../shared/processes.mjs';
import { administratorCanLogIn } from './administrator.mjs';
import { prepareBucket } from './bucket.mjs';
import {
  applicationEnvironment,
  nodeComponents,
  postgresComponent,
  pythonComponents,
  s3Component,
  temporalClusterComponent,
  temporalComponent,
  temporalSchema,
} from './components.mjs';
import { endLeftovers } from './leftovers.mjs';
import { ManagedProcess } from './managed-process.mjs';
import { postgresPlace } from './postgres-place.mjs';
import { checkPortsAreFree } from './ports.mjs';
import { closePrivateFiles } from './private-files.mjs';
import { removeRunFile, writeRunFile } from './run-file.mjs';
import { checkConfiguration } from './configuration.mjs';
import { serviceKeys, sharedKeysWarning } from './s3-keys.mjs';
import { loadSecrets, noteAdminPasswordTold } from './secrets.mjs';
import { stopInOrder } from './stop-order.mjs';
import { hasOwnTemporalUi, ownPorts, readStackSettings, runsTemporalCluster } from './settings.mjs';
import { requireTemporal } from './temporal.mjs';
import { checkTemporalStore, prepareNamespace, prepareTemporalDatabases } from './temporal-cluster.mjs';

/** All that is not PostgreSQL must be gone by then; what is not is killed. Long enough for a slow worker and a training that saves. */
const STOP_BUDGET_MS = 30_000;
/** Their jobs are begun again at the next start, as after a fault; the checker must know why. */
const RUNS_JOBS = new Set(['optimizer', 'trainer', 'evaluator']);

/**
 * @typedef {import('./managed-process.mjs').ProcessSpec} ProcessSpec
 * @typedef {(name: string, line: string) => void} Print
 *
 * @typedef {object} StackOptions
 * @property {NodeJS.ProcessEnv} env
 * @property {import('../setup/setup.mjs').Installation} installation
 * @property {Print} print events of the stack
 * @property {Print} [printLog] lines of the components; they stand in the log files in any case
 * @property {ProcessSpec[]} [proxies] what connections are led through; started first and stopped last
 * @property {import('./routes.mjs').Route} [route] by which port a process reaches another; straight when absent
 */

export class Stack {
  #options;
  #settings;
  /** Processes that start together form a tier; tiers stop in reverse order. @type {ManagedProcess[][]} */
  #tiers = [];
  /** @type {import('../shared/lock.mjs').Lock | undefined} */
  #lock;
  #startedAt = new Date().toISOString();
  #ready = false;
  /** @type {Promise<void> | undefined} */
  #stopped;

  /** @param {StackOptions} options */
  constructor(options) {
    this.#options = options;
    this.#settings = readStackSettings(options.env);
  }

  get #processes() {
    return this.#tiers.flat();
  }

  /** Whether it was told to stop: what fails from then on fails because of that. */
  get isStopping() {
    return this.#stopped !== undefined;
  }

  /** What people open. */
  get urls() {
    const { ports } = this.#settings;
    const api = `http://127.0.0.1:${ports.api.port}`;
    const { env } = this.#options;
    const ownUi = `http://127.0.0.1:${ports.temporalUi.port}`;
    const temporalUi = hasOwnTemporalUi(this.#settings) ? ownUi : env.WLOPS_TEMPORAL_UI_URL;
    return { api, docs: `${api}/docs`, ...(temporalUi ? { temporalUi } : {}) };
  }

  #writeRunFile() {
    if (this.#stopped) return;
    writeRunFile(this.#settings.dataDir, {
      supervisor: { pid: process.pid, identity: processIdentity(process.pid) },
      startedAt: this.#startedAt,
      ready: this.#ready,
      dataDir: this.#settings.dataDir,
      urls: this.urls,
      external: Object.keys(this.#settings.given),
      processes: Object.fromEntries(this.#processes.map((managed) => [managed.name, managed.record])),
    });
  }

  #takeDataDir() {
    const { dataDir } = this.#settings;
    makeDataDirectory(dataDir);
    const lockFile = path.join(dataDir, 'stack.lock');
    this.#lock = tryLock(lockFile);
    if (this.#lock) {
      closePrivateFiles(dataDir);
      return;
    }
    throw new UserError(
      `a stack already runs on ${dataDir} (process ${lockHolder(lockFile)?.pid ?? 'unknown'}). ` +
        'Stop it with npm run stop, or set WLOPS_DATA_DIR and WLOPS_PORT_OFFSET for a second one.',
    );
  }

  /** @param {ProcessSpec[]} specs */
  async #startTier(specs) {
    if (this.#stopped) throw new UserError('stopped before everything was ready');
    const { print, printLog } = this.#options;
    const tier = specs.map(
      (spec) =>
        new ManagedProcess(spec, {
          onLine: (line) => printLog?.(spec.name, line),
          onEvent: (message) => print(spec.name, message),
          onChange: () => this.#writeRunFile(),
        }),
    );
    this.#tiers.push(tier);
    await Promise.all(
      tier.map(async (managed) => {
        const startedAt = Date.now();
        await managed.start();
        if (!this.#stopped)
          print(managed.name, `ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s (${managed.spec.url})`);
      }),
    );
  }

  /**
   * Database, migrations, bucket and its accounts: what the servers must hold before our programs start.
   * @param {NodeJS.ProcessEnv} env
   * @param {import('./components.mjs').Context} context
   */
  async #prepareServers(env, context) {
    const { print } = this.#options;
    const url = /** @type {string} */ (env.DATABASE_URL);
    const { given } = this.#settings;
    const prepareDatabase = async () => {
      if (!given.postgres) await createDatabase(url);
      const applied = await migrate({ url, directory: path.join(ROOT, 'prisma/migrations') });
      if (applied.length) print('postgres', `migrations applied: ${applied.join(', ')}`);
    };
    const database = prepareDatabase().catch((error) => {
      throw given.postgres ? new UserError(`the database of DATABASE_URL cannot be used: ${messageOf(error)}`) : error;
    });
    const bucket = prepareBucket(env, given.s3 ? undefined : serviceKeys(context));
    const { TEMPORAL_ADDRESS = '', TEMPORAL_NAMESPACE = '' } = env;
    const temporal = [
      ...(given.temporal ? [requireTemporal(env)] : []),
      ...(runsTemporalCluster(this.#settings) ? [prepareNamespace(TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE)] : []),
    ];
    await Promise.all([database, bucket, ...temporal]);
  }

  /**
   * Starts everything and returns when every process answers.
   * @returns {Promise<{ adminEmail: string, adminPassword?: string }>} the password only when it was made up now and works
   * @throws {UserError} when a port is taken, the data folder is in use, or a component does not come up; nothing is left running
   */
  async start() {
    const { env, installation, print, route } = this.#options;
    this.#takeDataDir();
    try {
      const { dataDir, given } = this.#settings;
      if (!given.temporal) checkTemporalStore(this.#settings);
      const ended = await endLeftovers({ dataDir, postgresDirectory: postgresPlace(dataDir).directory });
      if (ended.length) print('wlops', `ended what an earlier stack left running: ${ended.join(', ')}`);
      await checkPortsAreFree(ownPorts(this.#settings));
      const secrets = loadSecrets(dataDir, env);
      const context = { settings: this.#settings, installation, secrets, env, route };
      checkConfiguration(applicationEnvironment(context, given.postgres ?? 'postgresql://not.started.yet/'));
      this.#writeRunFile();
      const warning = sharedKeysWarning(context);
      if (warning) print('s3', warning);

      await this.#startTier(this.#options.proxies ?? []);
      const withCluster = runsTemporalCluster(this.#settings);
      const postgres = given.postgres ? undefined : await postgresComponent(context);
      const servers = [
        postgres?.spec,
        given.s3 ? undefined : s3Component(context),
        given.temporal || withCluster ? undefined : temporalComponent(context),
      ].filter((spec) => spec !== undefined);
      await this.#startTier(servers);
      if (withCluster) {
        await prepareTemporalDatabases(temporalSchema(context));
        await this.#startTier([temporalClusterComponent(context)]);
      }
      closePrivateFiles(dataDir); // Temporal has made its file by now.

      const applicationEnv = applicationEnvironment(context, given.postgres ?? /** @type {string} */ (postgres?.url));
      await this.#prepareServers(applicationEnv, context);
      const [worker, api] = nodeComponents(context, applicationEnv);
      await this.#startTier([
        ...pythonComponents(context, applicationEnv),
        .../** @type {ProcessSpec[]} */ ([worker, api]),
      ]);
      if (this.#stopped) throw new UserError('stopped before everything was ready');
      this.#ready = true;
      this.#writeRunFile();
      const { adminEmail, adminPassword } = secrets;
      const tellPassword = secrets.adminPasswordUntold && (await administratorCanLogIn(this.urls.api, secrets));
      if (tellPassword) noteAdminPasswordTold(dataDir, secrets);
      return { adminEmail, ...(tellPassword ? { adminPassword } : {}) };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops everything in reverse order. Safe to repeat: later calls wait for the first. */
  stop() {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll() {
    const deadline = Date.now() + STOP_BUDGET_MS;
    try {
      await stopInOrder(this.#tiers, RUNS_JOBS, async (managed) => {
        // The database is told last and always gets its time: killing it means recovery at the next start.
        const remainingMs = Math.max(deadline - Date.now(), 0);
        const { stopGraceMs } = managed.spec;
        await managed.stop(managed.name === 'postgres' ? stopGraceMs : Math.min(stopGraceMs, remainingMs));
        this.#noteEnd(managed.name, 'stop');
        this.#options.print(managed.name, 'stopped');
      });
      // Where one could not be stopped it names what is left, for the next start and `npm run stop` to end.
      if (this.#lock) removeRunFile(this.#settings.dataDir);
    } finally {
      this.#lock?.release();
    }
  }

  /** @param {string} name @param {'stop' | 'kill'} by */
  #noteEnd(name, by) {
    if (RUNS_JOBS.has(name)) noteFault(this.#settings.dataDir, name, { by });
  }

  /** Kills everything, now. */
  async kill() {
    for (const { name } of this.#processes) this.#noteEnd(name, 'kill');
    await Promise.all(this.#processes.map((managed) => managed.kill()));
    if (this.#lock) {
      removeRunFile(this.#settings.dataDir);
      this.#lock.release();
    }
  }
}
