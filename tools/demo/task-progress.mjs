// @ts-check
// A task's progress as one line, and as lines on a terminal or in a log.
import { formatDuration } from '../shared/progress.mjs';

const decimals = (/** @type {unknown} */ value) => Number(Number(value).toPrecision(4)).toString();

/**
 * One line for what a task does now: status, iteration, stage, step, loss, score, remaining time; what is not known is left out.
 * @param {any} task as the API shows it
 */
export function describeTask(task) {
  const { step, totalSteps, stage, loss, score, etaSeconds } = task.progress ?? {};
  const known = (/** @type {unknown} */ value) => value !== null && value !== undefined;
  const ofIterations = task.taskMode === 'CONTINUOUS' ? ` of ${task.maxIterations}` : '';
  return [
    task.status,
    task.status === 'PENDING' ? '' : `iteration ${task.currentIteration}${ofIterations}`,
    stage,
    known(step) && (Number(step) > 0 || known(totalSteps))
      ? `step ${step}${known(totalSteps) ? `/${totalSteps}` : ''}`
      : '',
    known(loss) ? `loss ${decimals(loss)}` : '',
    known(score ?? task.latestScore) ? `score ${decimals(score ?? task.latestScore)}` : '',
    known(etaSeconds) ? `${formatDuration(Number(etaSeconds) * 1000)} left` : '',
    task.controlState && task.controlState !== 'none' ? `(${task.controlState})` : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

/** Shows changing lines: rewritten in place on a terminal, one line for each phase and every few seconds elsewhere. */
export class ProgressLine {
  #output;
  #lastPrinted = '';
  #lastStatus = '';
  #printedAt = 0;
  #plainIntervalMs;

  /** @param {NodeJS.WriteStream} [output] @param {{ plainIntervalMs?: number }} [options] */
  constructor(output = process.stdout, { plainIntervalMs = 5000 } = {}) {
    this.#output = output;
    this.#plainIntervalMs = plainIntervalMs;
  }

  /** @param {string} status what a new line is printed for at once @param {string} line */
  show(status, line) {
    if (this.#output.isTTY) {
      this.#output.write(`\r\x1b[K${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
      return;
    }
    const isDue = status !== this.#lastStatus || Date.now() - this.#printedAt >= this.#plainIntervalMs;
    if (!isDue || line === this.#lastPrinted) return;
    this.#output.write(`${line}\n`);
    this.#lastPrinted = line;
    this.#lastStatus = status;
    this.#printedAt = Date.now();
  }

  /** Ends the line, so that what follows stands below it. */
  end() {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K');
  }
}
