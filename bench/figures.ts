/** Figures of repeated measurements, and where they are kept. */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** Smallest, middle (the lower of two) and largest value, to three decimals. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => Number((sorted[Math.floor((sorted.length - 1) * part)] ?? NaN).toFixed(3));
  return { min: at(0), median: at(0.5), max: at(1) };
}

/** Writes one measurement with the machine it was made on to `bench/results/<name>-<time>.json` and answers with that path. */
export function keep(name: string, result: object): string {
  const folder = path.resolve('bench/results');
  mkdirSync(folder, { recursive: true });
  const measuredAt = new Date().toISOString();
  const machine = {
    cpus: os.cpus().length,
    model: os.cpus()[0]?.model,
    memoryBytes: os.totalmem(),
    node: process.version,
  };
  const file = path.join(folder, `${name}-${measuredAt.replace(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ measuredAt, machine, ...result }, null, 2)}\n`);
  return file;
}
