/**
 * The same interruptions and loads as WLOps', beside bare Temporal, DBOS and Prefect, where they can do the same. All on this machine: the
 * stack's Temporal, databases of their own on its PostgreSQL, and a server of Prefect's own, whose folder is removed.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { measureCancel, measureKill, measurePause, type Setting } from './interruptions';
import { measureLoop, measureWaiting } from './loads';
import type { Peer } from './peer';
import { PythonPeer } from './python-peer';
import { TemporalPeer, type TemporalSettings } from './temporal';

export interface PeersPlace {
  temporalAddress: string;
  /** The services' interpreter. */
  python: string;
  peers: Partial<Record<'dbos' | 'prefect', { python: string; database: string } | { notMeasured: string }>>;
}

/** Sizes of the full measurement; the quick one does each once. */
interface Sizes {
  cancels: number;
  pauses: number;
  kills: number;
  /** How long to look for what may never happen. */
  limitMs: { cancel: number; pause: number; kill: number };
  /** The moment of a cancel or pause is drawn from so many milliseconds; those of a heartbeat that is sent on. */
  momentMs: number;
  loop?: number;
  waiting?: { runs: number; wakes: number };
  /** Measured besides, once: the step of DBOS that does not ask to be ended. */
  plainStep?: boolean;
  /** Measured besides, once: only the process of the run is killed, not the worker that started it. */
  ownProcess?: boolean;
}

/** What the documentation of Temporal and its SDK leave as they are; a heartbeat each second is sent on every 24 s. */
const TEMPORAL_DEFAULTS: TemporalSettings = { heartbeatTimeoutMs: 30_000, worker: {} };
/** As WLOps sets them. */
const TEMPORAL_TUNED: TemporalSettings = {
  heartbeatTimeoutMs: 3000,
  worker: { maxHeartbeatThrottleInterval: 1500, maxCachedWorkflows: 200, stickyQueueScheduleToStartTimeout: 1000 },
};

const SLOW = { cancel: 40_000, pause: 40_000, kill: 60_000 };
const SOON = { cancel: 10_000, pause: 10_000, kill: 60_000 };

const FULL: Record<string, Sizes> = {
  'temporal, heartbeat 30 s': {
    ...{ cancels: 3, pauses: 2, kills: 2, limitMs: SLOW, momentMs: 24_000 },
    ...{ loop: 500, waiting: { runs: 3000, wakes: 300 } },
  },
  'temporal, heartbeat 3 s': { cancels: 10, pauses: 5, kills: 5, limitMs: SOON, momentMs: 2000 },
  dbos: {
    ...{ cancels: 10, pauses: 5, kills: 5, limitMs: SOON, momentMs: 2000, plainStep: true },
    ...{ loop: 10_000, waiting: { runs: 3000, wakes: 300 } },
  },
  prefect: {
    ...{ cancels: 4, pauses: 1, kills: 1, limitMs: { ...SOON, kill: 30_000 }, momentMs: 1000, ownProcess: true },
    ...{ loop: 1000, waiting: { runs: 5, wakes: 5 } },
  },
};

function sizesOf(name: string, quick: boolean): Sizes {
  const full = FULL[name] ?? { cancels: 1, pauses: 1, kills: 1, limitMs: SOON, momentMs: 1000 };
  if (!quick) return full;
  const few = name === 'prefect' ? 2 : 100;
  return {
    ...full,
    ...{ cancels: 1, pauses: 1, kills: 1, momentMs: 1000 },
    ...(full.loop && { loop: name === 'prefect' ? 20 : 100 }),
    ...(full.waiting && { waiting: { runs: few, wakes: Math.min(few, 20) } }),
  };
}

/** Measures one after the other. A peer that is not installed is told with the reason, and so is one that fails, as far as it came. */
export async function measurePeers(
  place: PeersPlace,
  quick: boolean,
  log: (line: string) => void,
): Promise<Record<string, object>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wlops-peers-'));
  const open = new Set<Peer>();
  const tidy = async () => {
    await Promise.all([...open].map((peer) => peer.close()));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  const interrupted = () => void tidy().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted);
  const results: Record<string, object> = {};
  try {
    for (const name of Object.keys(FULL)) {
      const own = path.join(folder, name.replace(/\W+/g, '-'));
      mkdirSync(own);
      const figures: Record<string, object | string> = {};
      results[name] = figures;
      try {
        const peer = await openPeer(name, place, own);
        open.add(peer);
        await measureOne(peer, own, sizesOf(name, quick), quick, (what, figure) => {
          figures[what] = figure;
          log(`${name}: ${what} ${JSON.stringify(figure)}`);
        });
      } catch (error) {
        figures.notMeasured = String(error instanceof Error ? error.message : error);
        log(`${name}: not measured: ${figures.notMeasured}`);
      }
      await Promise.all([...open].map((peer) => peer.close()));
      open.clear();
    }
    return results;
  } finally {
    await tidy();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(signal, interrupted);
  }
}

async function openPeer(name: string, place: PeersPlace, folder: string): Promise<Peer> {
  if (name.startsWith('temporal'))
    return TemporalPeer.open(place, name === 'temporal, heartbeat 3 s' ? TEMPORAL_TUNED : TEMPORAL_DEFAULTS);
  const kind = name === 'dbos' ? 'dbos' : 'prefect';
  const made = place.peers[kind] ?? { notMeasured: 'it was not prepared' };
  if ('notMeasured' in made) throw new Error(made.notMeasured);
  const { python, database } = made;
  const logFile = path.join(folder, 'log');
  const env = kind === 'dbos' ? { BENCH_DATABASE: database } : await prefectSettings(database, folder);
  return PythonPeer.open({ name: kind, python, env: { ...process.env, ...env }, logFile });
}

/** A server on a free port of loopback that tells nobody of itself. */
async function prefectSettings(database: string, folder: string): Promise<Record<string, string>> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return {
    PREFECT_HOME: folder,
    PREFECT_API_URL: `http://127.0.0.1:${port}/api`,
    PREFECT_API_DATABASE_CONNECTION_URL: database.replace('postgresql://', 'postgresql+asyncpg://'),
    PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
    PREFECT_SERVER_UI_ENABLED: 'false',
    PREFECT_LOGGING_LEVEL: 'WARNING',
    DO_NOT_TRACK: '1',
  };
}

async function measureOne(
  peer: Peer,
  folder: string,
  sizes: Sizes,
  quick: boolean,
  tell: (what: string, figure: object) => void,
): Promise<void> {
  const { limitMs, loop, waiting, momentMs } = sizes;
  const setting = (times: number, limit: number): Setting => ({ folder, times, limitMs: limit, momentMs });
  const once = (limit: number) => ({ ...setting(1, limit), momentMs: 1000 });
  tell('cancel', await measureCancel(peer, setting(sizes.cancels, limitMs.cancel)));
  if (sizes.plainStep) tell('cancel, plain step', await measureCancel(peer, once(limitMs.cancel), 'plain_work'));
  tell('pause', await measurePause(peer, setting(sizes.pauses, limitMs.pause)));
  tell('kill', await measureKill(peer, { ...setting(sizes.kills, limitMs.kill), momentMs: 1000 }));
  if (sizes.ownProcess) tell("kill, the run's process only", await measureKill(peer, once(limitMs.kill), 'step'));
  if (loop) tell('loop-length', await measureLoop(peer, folder, loop));
  if (waiting) tell('waiting', await measureWaiting(peer, folder, { ...waiting, settleMs: quick ? 2000 : 10_000 }));
}
