// @ts-check
// `npm run stop`: stops the stack of the data folder from another terminal, or ends what a killed one left behind.
import path from 'node:path';
import { dataDirectory } from '../shared/paths.mjs';
import { sendSignal } from '../shared/processes.mjs';
import { tryLock } from '../shared/lock.mjs';
import { waitUntil } from '../shared/wait.mjs';
import { endLeftovers } from './leftovers.mjs';
import { postgresPlace } from './postgres-place.mjs';
import { isRunning, readRunFile, runningStack } from './run-file.mjs';

/** More than a stack takes at most: its own budget, then the database's time, and a moment for each process that has to be killed. */
const STOP_TIMEOUT_MS = 50_000;

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} exit code
 */
export async function stop(env) {
  const dataDir = dataDirectory(env);
  const record = runningStack(dataDir);
  if (record) {
    sendSignal(record.supervisor.pid, 'SIGTERM');
    if (await waitUntil(() => !isRunning(record.supervisor), { timeoutMs: STOP_TIMEOUT_MS, intervalMs: 100 })) {
      // What it could not stop stands in the file that it then leaves.
      const left = readRunFile(dataDir)?.supervisor;
      if (left?.pid !== record.supervisor.pid || left?.identity !== record.supervisor.identity) {
        console.log('stopped');
        return 0;
      }
    } else {
      console.log(`process ${record.supervisor.pid} does not end; killing it`);
      sendSignal(record.supervisor.pid, 'SIGKILL');
      await waitUntil(() => !isRunning(record.supervisor), { timeoutMs: 2000 });
    }
  } else if (!readRunFile(dataDir)) {
    console.log(`no stack runs on ${dataDir}`);
    return 0;
  }
  const held = tryLock(path.join(dataDir, 'stack.lock'));
  if (!held) {
    console.log(`another stack or command holds ${dataDir}; try again`);
    return 1;
  }
  const ended = await endLeftovers({ dataDir, postgresDirectory: postgresPlace(dataDir).directory });
  held.release();
  console.log(ended.length ? `ended what was left: ${ended.join(', ')}` : 'nothing was left running');
  return 0;
}
