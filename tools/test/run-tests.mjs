// @ts-check
// `npm test`: every check and test of the repository, at most two at a time. The last line says `N passed, N failed`.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { UserError } from '../shared/errors.mjs';
import { ROOT } from '../shared/paths.mjs';
import { endProcessTree } from '../shared/processes.mjs';
import { formatDuration } from '../shared/progress.mjs';
import { stepCounts } from './counts.mjs';
import { testEnvironment } from './test-environment.mjs';
import { testSteps } from './steps.mjs';

const SIDE_BY_SIDE = 2;
const TAIL_CHARACTERS = 8000;
const REPORTS = path.join(ROOT, '.cache/test');
/** Where the suites keep what their workflows did, for the step that replays it. */
const HISTORIES = path.join(REPORTS, 'histories');

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * @param {import('./steps.mjs').TestStep} step
 * @param {NodeJS.ProcessEnv} env
 * @param {(text: string) => void} [onOutput] as it comes
 * @returns {Promise<{ succeeded: boolean, output: string }>}
 */
export function runStep({ command, args, cwd = ROOT }, env, onOutput) {
  return new Promise((resolve) => {
    let output = '';
    // A group of its own: Ctrl-C comes to us, and we end the whole tree.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        onOutput?.(String(chunk));
      });
    }
    const done = (/** @type {boolean} */ succeeded) => {
      running.delete(child);
      resolve({ succeeded, output });
    };
    child.once('error', (error) => {
      output += `${command}: ${error.message}\n`;
      done(false);
    });
    child.once('close', (code) => done(code === 0));
  });
}

/**
 * Runs one step, prints how it went, and returns its counts.
 * @param {import('./steps.mjs').TestStep} step
 * @param {NodeJS.ProcessEnv} env
 */
async function perform(step, env) {
  const startedAt = Date.now();
  const { report, count } = step;
  if (report) fs.rmSync(report, { force: true });
  const { succeeded, output } = await runStep(step, env);
  const logFile = path.join(REPORTS, `${step.name}.log`);
  fs.writeFileSync(logFile, output);
  const counts = stepCounts(succeeded, count && (() => count(output)));
  const figures = `${counts.passed} passed, ${counts.failed} failed${counts.skipped ? `, ${counts.skipped} skipped` : ''}`;
  const mark = counts.failed ? '✗' : '✓';
  console.log(`${mark} ${step.name.padEnd(12)} ${formatDuration(Date.now() - startedAt).padStart(12)}   ${figures}`);
  if (counts.failed) console.log(`${output.slice(-TAIL_CHARACTERS).trimEnd()}\n  (all of it: ${logFile})`);
  return counts;
}

/** @param {import('./steps.mjs').TestStep[]} steps @param {NodeJS.ProcessEnv} env */
async function performAll(steps, env) {
  const waiting = steps.filter((step) => !step.alone);
  const counts = [];
  const worker = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) counts.push(await perform(step, env));
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  for (const step of steps.filter(({ alone }) => alone)) counts.push(await perform(step, env));
  return counts;
}

/** A signal ends what runs, and then us. It may come twice, for npm sends its own copy of a Ctrl-C: that must not end us first. */
export function endOnSignal() {
  /** @type {Promise<never> | undefined} */
  let ending;
  const end = async () => {
    await Promise.all([...running].map((child) => child.pid && endProcessTree(child.pid, { graceMs: 15_000 })));
    process.exit(130);
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => (ending ??= end()));
}

/**
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env without the addresses of running servers
 * @param {import('../setup/setup.mjs').Installation} options.installation with the development tools
 * @param {string[]} options.only names of steps; all when empty
 * @returns {Promise<number>} exit code
 */
export async function runTests({ env, installation, only }) {
  fs.mkdirSync(REPORTS, { recursive: true });
  const all = testSteps({ python: installation.python, reports: REPORTS });
  const unknown = only.filter((name) => !all.some((step) => step.name === name));
  if (unknown.length)
    throw new UserError(`no such step: ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  const steps = only.length ? all.filter(({ name }) => only.includes(name)) : all;
  endOnSignal();
  const testEnv = await testEnvironment({ env, installation });
  const counts = await performAll(steps, { ...testEnv, WLOPS_TEST_HISTORIES: HISTORIES });
  const total = (/** @type {'passed' | 'failed' | 'skipped'} */ kind) =>
    counts.reduce((sum, count) => sum + count[kind], 0);
  if (total('skipped')) console.log('skipped: what needs data that is not on this machine; its log names it');
  console.log(
    `${total('passed')} passed, ${total('failed')} failed${total('skipped') ? `, ${total('skipped')} skipped` : ''}`,
  );
  return total('failed') === 0 ? 0 : 1;
}
