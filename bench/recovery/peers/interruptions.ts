/**
 * A peer's run is cancelled, paused, or loses its process to SIGKILL in the middle of a step: when does the step's process end, when does
 * the status say so, when is there a count that was not there before. What does not happen within a limit is told as such.
 */
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { latency, sleep } from '../people';
import { kill, Progress, within, type Peer } from './peer';

/** Where a peer's runs have their folders, how often each thing is done, and how long to look for what may never happen. */
export interface Setting {
  folder: string;
  times: number;
  limitMs: number;
  /** The moment is drawn from so many milliseconds of work. */
  momentMs: number;
}

const START_LIMIT_MS = 120_000;
const END_LIMIT_MS = 3000;
/** What a user's supervisor takes to start a process again. */
const SUPERVISOR_MS = 100;

interface Times {
  times: number;
  within: ReturnType<typeof latency> | null;
  notWithinLimit: number;
}

/** Figures of what happened, and how often it did not. */
function told(values: (number | null)[]): Times {
  const seen = values.filter((value) => value !== null);
  return {
    times: values.length,
    within: seen.length > 0 ? latency(seen) : null,
    notWithinLimit: values.length - seen.length,
  };
}

/** Starts a run and answers at a random moment once its step has counted for a second. */
async function working(
  peer: Peer,
  { folder, momentMs }: Setting,
  kind: string,
): Promise<{ run: string; progress: Progress }> {
  const progress = new Progress(mkdtempSync(path.join(folder, 'run-')));
  const run = await peer.start(kind, progress.folder);
  if ((await within(START_LIMIT_MS, () => progress.highest() >= 100)) === null) throw new Error('no run began to work');
  await sleep(Math.random() * momentMs);
  return { run, progress };
}

/** Until the status is as wanted, and what it was in the end. */
async function untilStatus(peer: Peer, run: string, wanted: RegExp, limitMs: number) {
  let last = '';
  const ms = await within(limitMs, async () => wanted.test((last = await peer.status(run))));
  return { ms, last };
}

/** Leaves nothing behind: a run that has ended by itself cannot be cancelled. */
async function end(peer: Peer, run: string, progress: Progress): Promise<void> {
  await peer.cancel(run).catch(() => undefined);
  await within(END_LIMIT_MS, () => progress.working() === 0);
  progress.endWork();
}

/** From the call of cancel. */
export async function measureCancel(peer: Peer, setting: Setting, kind = 'work') {
  const [gone, status]: [(number | null)[], (number | null)[]] = [[], []];
  let statusAfter = '';
  for (let at = 0; at < setting.times; at += 1) {
    const { run, progress } = await working(peer, setting, kind);
    const [, end, said] = await Promise.all([
      peer.cancel(run),
      within(setting.limitMs, () => progress.working() === 0),
      untilStatus(peer, run, /^cancell?ed$/i, setting.limitMs),
    ]);
    gone.push(end);
    status.push(said.ms);
    statusAfter = said.last;
    progress.endWork();
  }
  return { processGoneMs: told(gone), cancelledMs: told(status), statusAfter, limitMs: setting.limitMs };
}

/** From the call of pause, and from the call of resume until a new process of the step has gone further than the ones before. */
export async function measurePause(peer: Peer, setting: Setting, kind = 'work') {
  const [stopped, resumed]: [(number | null)[], (number | null)[]] = [[], []];
  const seen = { statusAfterPause: '', statusAfterResume: '', processesOfOneStep: 0, mostAtOnce: 0 };
  for (let at = 0; at < setting.times; at += 1) {
    const { run, progress } = await working(peer, setting, kind);
    const [, gone] = await Promise.all([peer.pause(run), within(setting.limitMs, () => progress.working() === 0)]);
    stopped.push(gone);
    seen.statusAfterPause = await peer.status(run);
    const [before, starts] = [progress.highest(), progress.starts().length];
    await peer.resume(run);
    const again = () => progress.starts().length > starts && progress.highest() > before;
    resumed.push(await within(setting.limitMs * 2, again));
    seen.statusAfterResume = await peer.status(run);
    seen.processesOfOneStep = Math.max(seen.processesOfOneStep, progress.starts().length);
    seen.mostAtOnce = Math.max(seen.mostAtOnce, progress.working());
    await end(peer, run, progress);
  }
  return { processGoneMs: told(stopped), resumedMs: told(resumed), ...seen, limitMs: setting.limitMs };
}

/**
 * Kills the process that runs the step, and the worker where that is another one; the worker is started again as a supervisor would.
 * `only`: the worker is left alone.
 */
export async function measureKill(peer: Peer, setting: Setting, only: 'step' | null = null) {
  const still: (number | null)[] = [];
  let statusAfter = '';
  for (let at = 0; at < setting.times; at += 1) {
    const { run, progress } = await working(peer, setting, 'work');
    const from = performance.now();
    if (!only) kill(peer.workerPid(), 'SIGKILL');
    kill(progress.starts().at(-1)?.parent, 'SIGKILL');
    await sleep(SUPERVISOR_MS);
    // The step's own process ends a hundredth of a second after its parent.
    const before = progress.highest();
    const restarted = only ? null : peer.startWorker();
    const on = await within(setting.limitMs, () => progress.highest() > before);
    still.push(on === null ? null : performance.now() - from);
    await restarted;
    statusAfter = await peer.status(run);
    await end(peer, run, progress);
  }
  return { standsStillMs: told(still), statusAfter, limitMs: setting.limitMs };
}
