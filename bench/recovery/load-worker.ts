/** The worker of the waiting tasks, as a process of its own: `node --expose-gc load-worker.js ADDRESS NAMESPACE`. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startLoadWorkers } from './load-world';

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const [address = '', namespace = ''] = process.argv.slice(2);
  const collect = globalThis.gc;
  if (!collect) throw new Error('it is to be started with --expose-gc: what is measured is memory in use');
  const end = await startLoadWorkers(address, namespace);
  process.on('message', () => {
    collect();
    process.send?.('collected');
  });
  process.once('SIGTERM', () => void end().then(() => process.exit(0)));
  process.send?.('running');
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
