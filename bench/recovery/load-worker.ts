/** The worker of the waiting tasks, as a process of its own: `load-worker.js ADDRESS NAMESPACE`. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startLoadWorkers } from './load-world';

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const [address = '', namespace = ''] = process.argv.slice(2);
  const end = await startLoadWorkers(address, namespace);
  process.on('message', () => globalThis.gc?.());
  process.once('SIGTERM', () => void end().then(() => process.exit(0)));
  process.send?.('running');
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
