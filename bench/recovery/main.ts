/**
 * `npm run bench:recovery`: what it costs to go on for ever, to wait, to be interrupted and to be killed. Figures to the terminal, raw JSON
 * kept in bench/results. `--only NAME` (may be repeated); `--quick` small and once: shows that all runs, and measures nothing.
 */
import path from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { keep } from '../figures';
import { measureCancels, measurePauses } from './control';
import { measureKills } from './kills';
import { measureLoopLength } from './loop-length';
import { measurePeers, type PeersPlace } from './peers/peers';
import type { StackPlace } from './people';
import { measureWaitingTasks } from './waiting-tasks';

interface Place extends StackPlace, PeersPlace {
  quick: boolean;
  log: (line: string) => void;
}

const MEASUREMENTS: Record<string, (place: Place) => Promise<object>> = {
  pause: ({ quick, log, ...place }) => measurePauses(place, quick ? 1 : 12, log),
  cancel: ({ quick, log, ...place }) => measureCancels(place, quick ? 3 : 120, log),
  kill: ({ quick, log, ...place }) => measureKills(place, quick ? 1 : 10, log),
  'loop-length': ({ temporalAddress, quick, log }) => measureLoopLength(temporalAddress, quick ? 100 : 10_000, log),
  'waiting-tasks': ({ temporalAddress, quick, log }) =>
    measureWaitingTasks(temporalAddress, quick ? { tasks: 100, wakes: 20 } : { tasks: 10_000, wakes: 300 }, log),
  peers: ({ quick, log, ...place }) => measurePeers(place, quick, log),
};

function chosen(args: string[]): string[] {
  const only = args.flatMap((arg, at) => (arg === '--only' ? [args[at + 1] ?? ''] : []));
  const unknown = only.filter((name) => !(name in MEASUREMENTS));
  if (unknown.length > 0)
    throw new Error(`there are ${Object.keys(MEASUREMENTS).join(', ')}, not ${unknown.join(', ')}`);
  return only.length > 0 ? only : Object.keys(MEASUREMENTS);
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; start the measurements with: npm run bench:recovery`);
  return value;
}

async function main(): Promise<void> {
  // Without signals of its own the SDK lets SIGTERM end the measurements, and not only their workers.
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const args = process.argv.slice(2);
  const quick = args.includes('--quick');
  const place = {
    temporalAddress: required('TEMPORAL_ADDRESS'),
    api: required('WLOPS_BENCH_API'),
    email: required('WLOPS_BENCH_EMAIL'),
    password: required('WLOPS_BENCH_PASSWORD'),
    dataDir: required('WLOPS_DATA_DIR'),
    python: required('WLOPS_BENCH_PYTHON'),
    peers: JSON.parse(required('WLOPS_BENCH_PEERS')) as PeersPlace['peers'],
  };
  for (const name of chosen(args)) {
    const log = (line: string) => process.stdout.write(`  ${name}: ${line}\n`);
    const result = await MEASUREMENTS[name]?.({ ...place, quick, log });
    if (!result) continue;
    process.stdout.write(`${name} ${JSON.stringify(result)}\n`);
    if (!quick) process.stdout.write(`  raw: ${path.relative('.', keep(`recovery-${name}`, result))}\n`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
