// @ts-check
// `npm run status`: what runs on the data folder, for people or with --json for scripts.
import { dataDirectory } from '../shared/paths.mjs';
import { isRunning, runningStack } from './run-file.mjs';

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns what run.json says of a stack that lives; without processes when none does
 */
export function readStatus(env) {
  const dataDir = dataDirectory(env);
  const record = runningStack(dataDir);
  return record ? { running: true, ...record } : { running: false, ready: false, dataDir, processes: {} };
}

/**
 * Prints the status.
 * @param {{ env: NodeJS.ProcessEnv, json: boolean }} options
 * @returns {number} exit code: 0 when a stack runs, 3 when none does
 */
export function status({ env, json }) {
  const current = readStatus(env);
  if (json) console.log(JSON.stringify(current, null, 2));
  else if (!current.running) console.log(`no stack runs on ${current.dataDir}`);
  else {
    console.log(`WLOps on ${current.dataDir}: ${current.ready ? 'ready' : 'starting'}`);
    for (const [name, record] of Object.entries(current.processes)) {
      const state = isRunning(record) ? `process ${record.pid}` : 'starting again';
      console.log(`  ${name.padEnd(10)} ${state.padEnd(16)} ${record.url.padEnd(44)} ${record.logFile}`);
    }
  }
  return current.running ? 0 : 3;
}
