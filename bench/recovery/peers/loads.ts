/** A peer's long loop, and its many waiting runs. */
import { mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { latency, residentBytes, sleep } from '../people';
import { within, type Peer } from './peer';

const LOOP_LIMIT_MS = 1_800_000;
const WAIT_LIMIT_MS = 300_000;

function linesOf(folder: string, name: string): string[] {
  try {
    return readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

/** One loop of so many iterations of three steps without work; its first step notes when each tenth begins. */
export async function measureLoop(peer: Peer, place: string, iterations: number) {
  const folder = mkdtempSync(path.join(place, 'loop-'));
  await peer.start('loop', folder, iterations);
  const ended = await within(LOOP_LIMIT_MS, () => linesOf(folder, 'marks').length > 10);
  if (ended === null) throw new Error(`${linesOf(folder, 'marks').length} tenths within half an hour`);
  const times = linesOf(folder, 'marks').map((line) => Number(line.split(' ')[1]));
  const seconds = (from: number, to: number) => ((times[to] ?? NaN) - (times[from] ?? NaN)) / 1000;
  const [first, last] = [seconds(0, 1), seconds(9, 10)];
  const iterationMs = (seconds(0, 10) * 1000) / iterations;
  return { iterations, firstTenthSeconds: first, lastTenthSeconds: last, ratio: last / first, iterationMs };
}

/** Starts so many runs that wait, and wakes some of them one by one: from the call until the run goes on. */
export async function measureWaiting(
  peer: Peer,
  place: string,
  { runs, wakes, settleMs }: { runs: number; wakes: number; settleMs: number },
) {
  const folder = mkdtempSync(path.join(place, 'wait-'));
  await sleep(settleMs);
  const idleBytes = residentBytes(peer.workerPid());
  const from = performance.now();
  const ids: string[] = [];
  const begin = async () => {
    for (let left = runs - ids.length; left > 0; left = runs - ids.length) {
      const slot = ids.push('') - 1;
      ids[slot] = await peer.start('wait', folder);
    }
  };
  await Promise.all(Array.from({ length: 20 }, begin));
  const all = await within(WAIT_LIMIT_MS, () => linesOf(folder, 'waiting').length >= runs);
  if (all === null) throw new Error(`${linesOf(folder, 'waiting').length} of ${runs} runs wait after five minutes`);
  const startedSeconds = (performance.now() - from) / 1000;
  await sleep(settleMs);
  const waitingBytes = residentBytes(peer.workerPid());
  const wakeMs: number[] = [];
  for (let wake = 0; wake < wakes; wake += 1) {
    const asked = performance.now();
    await peer.wake(ids[Math.floor((wake * runs) / wakes)] ?? '', folder);
    wakeMs.push(performance.now() - asked);
  }
  return {
    ...{ runs, startedSeconds, idleBytes, waitingBytes, overIdleBytes: waitingBytes - idleBytes },
    wakeMs: latency(wakeMs),
  };
}
