// @ts-check
// Shows steps that run side by side: one rewritten line each on a terminal, plain lines elsewhere.
import { messageOf } from './errors.mjs';

const PLAIN_INTERVAL_MS = 20_000;

/** A duration for people: `7 s`, `3 min 05 s`. @param {number} milliseconds */
export function formatDuration(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** @typedef {{ name: string, startedAt: number, lastLine: string }} Step */

export class ProgressBoard {
  /** @type {Set<Step>} */
  #running = new Set();
  #drawnLines = 0;
  #output;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {NodeJS.WriteStream} [output] */
  constructor(output = process.stdout) {
    this.#output = output;
  }

  #clear() {
    if (this.#drawnLines) this.#output.write(`\x1b[${this.#drawnLines}A\x1b[0J`);
    this.#drawnLines = 0;
  }

  #lines() {
    return [...this.#running].map(
      (step) =>
        `  … ${step.name.padEnd(20)} ${formatDuration(Date.now() - step.startedAt).padStart(12)}  ${step.lastLine}`,
    );
  }

  #draw() {
    if (!this.#output.isTTY) {
      for (const line of this.#lines()) this.print(line.slice(0, 160));
      return;
    }
    this.#clear();
    const lines = this.#lines().map((line) => line.slice(0, (this.#output.columns ?? 80) - 1));
    this.#output.write(lines.map((line) => `${line}\n`).join(''));
    this.#drawnLines = lines.length;
  }

  /** Prints a line above the running steps. @param {string} line */
  print(line) {
    this.#clear();
    this.#output.write(`${line}\n`);
  }

  /**
   * Runs a step and shows it while it runs. Steps that end within a fifth of a second leave no line.
   * @template T
   * @param {string} name
   * @param {(onLine: (line: string) => void) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async step(name, work) {
    const step = { name, startedAt: Date.now(), lastLine: '' };
    this.#running.add(step);
    this.#timer ??= setInterval(() => this.#draw(), this.#output.isTTY ? 250 : PLAIN_INTERVAL_MS);
    try {
      const result = await work((line) => (step.lastLine = line));
      const tookMs = Date.now() - step.startedAt;
      if (tookMs > 200) this.print(`  ✓ ${name.padEnd(20)} ${formatDuration(tookMs).padStart(12)}`);
      return result;
    } catch (error) {
      this.print(`  ✗ ${name}: ${messageOf(error).split('\n')[0]}`);
      throw error;
    } finally {
      this.#running.delete(step);
      if (this.#running.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
        this.#clear();
      }
    }
  }
}
