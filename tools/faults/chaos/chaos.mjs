// @ts-check
// `npm run chaos -- [--minutes N] [--seed N]`: a cluster of its own under load, in which a process is killed every few seconds by a plan
// that the seed decides. Then the faults stop, everything must come to its end, and the invariants are checked. Ends with the
// checker's line, or with 1 when something hangs.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { messageOf, UserError } from '../../shared/errors.mjs';
import { sendSignal } from '../../shared/processes.mjs';
import { pause, waitUntil } from '../../shared/wait.mjs';
import { databaseAddress } from '../../stack/postgres.mjs';
import { readStackSettings } from '../../stack/settings.mjs';
import { loadSecrets } from '../../stack/secrets.mjs';
import { stopOnSignal } from '../../stack/signals.mjs';
import { startFaultCluster } from '../cluster.mjs';
import { noteFault } from '../../shared/fault-log.cjs';
import { tellVerdict } from '../invariants/check.mjs';
import { gatherFacts } from '../invariants/gather.mjs';
import { LoggedClient } from '../logged-client.mjs';
import { jobProcesses } from '../job-processes.cjs';
import { PROCESSES, pidOf, signalProcess } from '../targets.mjs';
import { failedForNoReason } from './failures.mjs';
import { runReferenceTasks, startLoad } from './load.mjs';
import { chaosPlan } from './plan.mjs';

const DEFAULTS = { minutes: 10, seed: 1, interval: 3, users: 3, tasks: 2, 'settle-minutes': 10 };
/** Default ports plus this stay free of a stack of the default ports. */
const PORT_OFFSET = '5000';
/** Exit code after Ctrl-C. */
const INTERRUPTED = 130;

/**
 * @typedef {{ minutes: number, seed: number, interval: number, users: number, tasks: number, settleMinutes: number, dataDir?: string,
 *   planOnly: boolean }} ChaosChoices
 */

/**
 * @param {string[]} args
 * @returns {ChaosChoices}
 * @throws {UserError}
 */
export function parseChaosArguments(args) {
  const number = /** @type {const} */ ({ type: 'string' });
  const options = {
    ...{ minutes: number, seed: number, interval: number, users: number, tasks: number, 'settle-minutes': number },
    'data-dir': /** @type {const} */ ({ type: 'string' }),
    'plan-only': /** @type {const} */ ({ type: 'boolean' }),
  };
  const usage = `usage: chaos ${Object.entries(DEFAULTS)
    .map(([name, value]) => `[--${name} ${value}]`)
    .join(' ')} [--data-dir FOLDER] [--plan-only]`;
  try {
    const { values } = parseArgs({ args, options });
    const read = (/** @type {keyof typeof DEFAULTS} */ name) => {
      const value = Number(values[name] ?? DEFAULTS[name]);
      if (!(value >= 0 && Number.isFinite(value)))
        throw new Error(`--${name} must be a number; it is "${values[name]}"`);
      return value;
    };
    return {
      minutes: read('minutes'),
      seed: read('seed'),
      interval: read('interval'),
      users: read('users'),
      tasks: read('tasks'),
      settleMinutes: read('settle-minutes'),
      planOnly: values['plan-only'] ?? false,
      ...(values['data-dir'] ? { dataDir: path.resolve(values['data-dir']) } : {}),
    };
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n${usage}`);
  }
}

/**
 * Carries out one planned fault.
 * @param {string} dataDir @param {import('./plan.mjs').PlannedFault} fault
 * @returns {{ target: string, pid: number, job?: string } | undefined} who was killed; undefined when nobody was there to be
 */
function makeFault(dataDir, { kill, target, pick }) {
  if (kill === 'process') {
    const pid = signalProcess(dataDir, /** @type {any} */ (target));
    return pid === undefined ? undefined : { target, pid };
  }
  const jobs = jobProcesses(dataDir, target);
  const chosen = jobs[Math.floor(pick * jobs.length)];
  if (!chosen) return undefined;
  sendSignal(chosen.pid, 'SIGKILL');
  return { target: `job of ${target}`, pid: chosen.pid, job: chosen.folder };
}

/** Started tasks that have neither ended nor come to rest. @param {string} databaseUrl @returns {Promise<string[]>} */
async function activeTasks(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query(
      `SELECT task_id, status, control_state FROM ml_tasks WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')
         AND start_requested_at IS NOT NULL AND NOT (status = 'SUSPENDED' AND control_state = 'none') ORDER BY id`,
    );
    return rows.map(({ task_id, status, control_state }) => `${task_id} ${status} ${control_state}`);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {import('../../setup/setup.mjs').Installation} [options.installation] not needed where only the plan is shown
 * @param {ChaosChoices} options.choices
 * @returns {Promise<number>} exit code
 */
export async function chaos({ env: given, installation, choices }) {
  const { minutes, seed, interval, users, tasks, settleMinutes, planOnly } = choices;
  const plan = chaosPlan({ seed, minutes, intervalSeconds: interval });
  if (planOnly || !installation) {
    for (const fault of plan) console.log(JSON.stringify(fault));
    return 0;
  }
  const own = choices.dataDir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-chaos-'));
  fs.mkdirSync(own, { recursive: true });
  fs.chmodSync(own, 0o755); // The database server may run under another account, which must be able to walk in.
  const dataDir = path.join(own, 'data');
  const env = { ...given, WLOPS_DATA_DIR: dataDir, WLOPS_PORT_OFFSET: given.WLOPS_PORT_OFFSET || PORT_OFFSET };
  const clientLog = path.join(own, 'client.jsonl');
  fs.writeFileSync(path.join(own, 'plan.json'), JSON.stringify({ ...choices, plan }, null, 1));
  const since = Date.now();
  const print = (/** @type {string} */ line) =>
    console.log(`${((Date.now() - since) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  print(`seed ${seed}, ${plan.length} kills in ${minutes} minutes; plan, logs and data in ${own}`);

  const starting = startFaultCluster({ env, installation, print: (name, line) => print(`${name}: ${line}`) });
  let stopping = false;
  /** @type {(() => Promise<void>)[]} */
  const endings = [];
  const handle = {
    stop: async () => {
      stopping = true;
      try {
        for (const end of endings) await end();
      } finally {
        await starting.then((cluster) => cluster.stop());
      }
    },
    kill: () => starting.then((cluster) => cluster.kill()),
  };
  const stoppedBySignal = stopOnSignal(handle, print);
  // One that comes while the cluster does not start ends with what kept it from starting.
  stoppedBySignal.catch(() => {});
  const cluster = await starting;
  const underLoad = async () => {
    if (stopping) return INTERRUPTED;
    const databaseUrl = databaseAddress({
      port: readStackSettings(env).ports.postgres.port,
      password: loadSecrets(dataDir, env).postgresPassword,
    });
    const wait = async (/** @type {number} */ untilMs) => {
      while (!stopping && Date.now() < untilMs) await pause(Math.min(200, untilMs - Date.now()));
    };

    print('reference: each kind of task once, without faults');
    const reference = new LoggedClient({ base: cluster.api, logFile: clientLog });
    endings.push(async () => reference.giveUp());
    await runReferenceTasks(reference, () => stopping);

    const load = startLoad({ base: cluster.api, logFile: clientLog, seed, users, tasksPerUser: tasks });
    endings.push(async () => {
      for (const client of load.clients) client.giveUp();
      await load.stop();
    });
    const begun = Date.now();
    for (const fault of plan) {
      await wait(begun + fault.atMs);
      if (stopping) break;
      const killed = makeFault(dataDir, fault);
      print(
        killed ? `kill -9 ${killed.target} (process ${killed.pid})` : `nothing to kill: ${fault.kill} ${fault.target}`,
      );
      if (killed) noteFault(dataDir, killed.target, killed.job ? { job: killed.job } : {});
    }
    if (!stopping) print('no more faults; everything must come to its end');
    const settled =
      !stopping && (await settle({ dataDir, databaseUrl, load, settleMinutes, isStopping: () => stopping, print }));
    if (stopping) return INTERRUPTED;
    print(`${load.taskIds().length} tasks were made`);
    const facts = await gatherFacts({ dataDir, clientLog, python: installation.python, env });
    const failed = [...load.errors(), ...failedForNoReason(facts)];
    for (const line of failed) print(line);
    const code = tellVerdict(facts);
    return settled && failed.length === 0 ? code : 1;
  };
  try {
    return await underLoad();
  } catch (error) {
    // What fails after it was told to stop fails because of that.
    if (!stopping) throw error;
    return INTERRUPTED;
  } finally {
    await cluster.stop();
    if (stopping) await stoppedBySignal;
  }
}

/**
 * Waits until every process is back and every task has ended or rests.
 * @param {object} options
 * @param {string} options.dataDir
 * @param {string} options.databaseUrl
 * @param {import('./load.mjs').Load} options.load
 * @param {number} options.settleMinutes
 * @param {() => boolean} options.isStopping
 * @param {(line: string) => void} options.print
 */
async function settle({ dataDir, databaseUrl, load, settleMinutes, isStopping, print }) {
  const timeoutMs = settleMinutes * 60_000;
  const begun = Date.now();
  await load.stop();
  let active = ['not asked yet'];
  const done = await waitUntil(
    async () => {
      if (isStopping()) return true;
      if (PROCESSES.some((name) => pidOf(dataDir, name) === undefined)) return false;
      active = await activeTasks(databaseUrl).catch((error) => [messageOf(error)]);
      return active.length === 0;
    },
    { timeoutMs, intervalMs: 500 },
  );
  if (!done) print(`after ${settleMinutes} minutes without faults: ${active.join('; ')}`);
  else print(`all at rest ${((Date.now() - begun) / 1000).toFixed(1)} s after the last fault`);
  // I4 gives what rests five seconds to let go.
  await pause(6000);
  return Boolean(done);
}
