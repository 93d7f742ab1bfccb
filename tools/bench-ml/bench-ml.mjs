// @ts-check
// `npm run bench:ml`: the scripts of bench/ml, one at a time and each on one core, beside the projects they are compared with.
// `--only name` (may be repeated) and `--quick` (small and once: shows that all runs, and measures nothing). What cannot be installed or
// has no data is told with the reason; a script of ours that fails makes the command fail, after the others have run.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { installPeerEnvironment } from '../setup/peer-environment.mjs';
import { messageOf, UserError } from '../shared/errors.mjs';
import { cacheDirectory, PYTHON_SERVICES, ROOT } from '../shared/paths.mjs';
import { measurements, PEERS } from './measurements.mjs';

/** @typedef {import('./measurements.mjs').Measurement} Measurement */
/** @typedef {import('./measurements.mjs').Side} Side */
/** @typedef {{ side: string, lines?: import('./measurements.mjs').Line[], notMeasured?: string, failed?: string }} Outcome */

const ONE_CORE = {
  OMP_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  POLARS_MAX_THREADS: '1',
  TOKENIZERS_PARALLELISM: 'false',
};

/** @param {string[]} args @throws {UserError} on anything unknown */
export function parseBenchArguments(args) {
  const only = /** @type {string[]} */ ([]);
  let quick = false;
  for (let at = 0; at < args.length; at += 1) {
    if (args[at] === '--quick') quick = true;
    else if (args[at] === '--only' && args[at + 1]) only.push(/** @type {string} */ (args[(at += 1)]));
    else throw new UserError(`bench:ml does not know ${args[at]}; it takes --quick and --only NAME`);
  }
  return { only, quick };
}

/**
 * Runs a script to its end and answers with what it prints.
 * @param {string} python @param {string[]} command @param {NodeJS.ProcessEnv} env @param {string} logFile
 * @returns {Promise<string>}
 */
export async function output(python, command, env, logFile) {
  const log = fs.openSync(logFile, 'a');
  try {
    const child = spawn(python, command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', log] });
    let printed = '';
    child.stdout?.on('data', (chunk) => (printed += chunk));
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve(signal ?? status));
    });
    if (code !== 0) throw new UserError(`${command[0]} ended with ${code}; see ${logFile}`);
    return printed;
  } finally {
    fs.closeSync(log);
  }
}

/** The last line, which is the result. @param {string} printed @param {string} script */
export function lastLine(printed, script) {
  try {
    return JSON.parse(printed.trimEnd().split('\n').at(-1) ?? '');
  } catch {
    throw new UserError(`${script} printed no line of JSON`);
  }
}

/** One file per measurement, in the form of the other benchmarks. @param {string} folder @param {string} name @param {object} result */
export function keep(folder, name, result) {
  fs.mkdirSync(folder, { recursive: true });
  const measuredAt = new Date().toISOString();
  const machine = {
    cpus: os.cpus().length,
    model: os.cpus()[0]?.model,
    memoryBytes: os.totalmem(),
    node: process.version,
    load: os.loadavg().map((load) => Number(load.toFixed(2))),
  };
  const file = path.join(folder, `ml-${name}-${measuredAt.replace(/[:.]/g, '-')}.json`);
  fs.writeFileSync(file, `${JSON.stringify({ measuredAt, machine, ...result }, null, 2)}\n`);
  return file;
}

/**
 * All sides of a measurement in turn, as often as it asks for. A side that failed once is not run again.
 * @param {Measurement} measurement
 * @param {{ pythonOf: (side: Side) => Promise<string>, execute: (python: string, command: string[], side: Side) => Promise<string> }} tools
 * @returns {Promise<Outcome[]>}
 */
export async function measure({ sides, rounds, missing }, { pythonOf, execute }) {
  if (missing) return sides.map(({ name }) => ({ side: name, notMeasured: missing }));
  /** @type {(Outcome & { python?: string })[]} */
  const outcomes = [];
  for (const side of sides) {
    try {
      outcomes.push({ side: side.name, python: await pythonOf(side), lines: [] });
    } catch (error) {
      outcomes.push({ side: side.name, notMeasured: messageOf(error).split('\n')[0] });
    }
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, side] of sides.entries()) {
      const outcome = /** @type {Outcome & { python: string }} */ (outcomes[at]);
      if (!outcome.lines || outcome.notMeasured || outcome.failed) continue;
      try {
        const printed = await execute(outcome.python, side.command, side);
        outcome.lines.push(lastLine(printed, side.command[0] ?? ''));
      } catch (error) {
        outcome[side.peer ? 'notMeasured' : 'failed'] = messageOf(error);
      }
    }
  }
  return outcomes.map(({ python: _, ...outcome }) => outcome);
}

/**
 * @param {{ env: NodeJS.ProcessEnv, installation: { python: string }, args: string[] }} options
 * @returns {Promise<number>} exit code
 */
export async function benchMl({ env, installation, args }) {
  const { only, quick } = parseBenchArguments(args);
  const cache = cacheDirectory(env);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-bench-'));
  const logFile = path.join(cache, 'logs', 'bench-ml.log');
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  const scriptEnv = { ...env, ...ONE_CORE, PYTHONPATH: `${PYTHON_SERVICES}:${PYTHON_SERVICES}/common` };
  try {
    const all = measurements({ quick, cache, scratch, env });
    const unknown = only.filter((name) => !all.some((one) => one.name === name));
    if (unknown.length)
      throw new UserError(`no measurement ${unknown[0]}; there are ${all.map((one) => one.name).join(', ')}`);
    let failures = 0;
    for (const measurement of all.filter(({ name }) => !only.length || only.includes(name))) {
      const outcomes = await measure(measurement, {
        pythonOf: async ({ peer }) => {
          if (!peer) return installation.python;
          const options = { cache, name: peer, requirements: PEERS[peer], python: installation.python, logFile, env };
          return installPeerEnvironment({ ...options, onLine: () => undefined });
        },
        execute: async (python, command, side) => {
          for (const before of side.before ?? []) await output(installation.python, before, scriptEnv, logFile);
          return output(python, command, { ...scriptEnv, ...side.env }, logFile);
        },
      });
      failures += outcomes.filter(({ failed }) => failed).length;
      show(measurement, outcomes);
      const measured = outcomes.some(({ lines }) => lines?.length);
      if (measured && !quick) {
        const file = keep(path.join(ROOT, 'bench/results'), measurement.name, { sides: outcomes });
        console.log(`  raw: ${path.relative(ROOT, file)}`);
      }
    }
    return failures ? 1 : 0;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** @param {Measurement} measurement @param {Outcome[]} outcomes */
function show({ name, show: figures }, outcomes) {
  console.log(name);
  for (const { side, lines, notMeasured, failed } of outcomes) {
    const said = failed ? `FAILED: ${failed}` : notMeasured ? `not measured: ${notMeasured}` : figures(lines ?? []);
    console.log(`  ${side.padEnd(26)} ${said}`);
  }
}
