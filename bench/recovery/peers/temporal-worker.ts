/** The worker of bare Temporal, as a process of its own: `temporal-worker.js ADDRESS NAMESPACE PYTHON OPTIONS`. Ends with its parent. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { Context } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { PeerActivities } from './temporal-workflows';

export const PEER_QUEUE = 'bench-peer';
const HEARTBEAT_MS = 1000;

/** Ends its process when the activity is cancelled or paused, which it hears of with a heartbeat. */
async function step(folder: string): Promise<void> {
  const context = Context.current();
  const [, , , , python = ''] = process.argv;
  const child = spawn(python, [path.resolve('bench/recovery/peers/work.py'), folder], { cwd: folder, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    await Promise.race([ended, context.cancelled]);
  } finally {
    clearInterval(beat);
    child.kill('SIGKILL');
    await ended;
  }
}

const activities: PeerActivities = {
  step,
  nothing: () => Promise.resolve(),
  note: (folder, name, text = '') =>
    Promise.resolve(appendFileSync(path.join(folder, name), `${text} ${Date.now()}\n`)),
};

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const [address = '', namespace = '', , options = '{}'] = process.argv.slice(2);
  process.once('disconnect', () => process.exit(1));
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    namespace,
    taskQueue: PEER_QUEUE,
    workflowsPath: require.resolve('./temporal-workflows'),
    activities,
    ...(JSON.parse(options) as Partial<WorkerOptions>),
  });
  process.send?.('running');
  await worker.run();
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
