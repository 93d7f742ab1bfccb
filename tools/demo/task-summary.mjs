// @ts-check
// What a finished task came to, as lines for the terminal: scores with intervals, why it stopped, how long each iteration took.

const known = (/** @type {unknown} */ value) => value !== null && value !== undefined;
const score = (/** @type {number | null | undefined} */ value) => (known(value) ? Number(value).toFixed(3) : '–');
const interval = (/** @type {{ low?: number, high?: number }} */ { low, high }) =>
  known(low) && known(high) ? `[${score(low)}, ${score(high)}]` : '';

/** `maxIterations (iterations 4, limit 4)`. @param {Record<string, unknown> | null} stopReason */
export function describeStopReason(stopReason) {
  if (!stopReason) return 'one pass was asked for';
  const { policy, ...numbers } = stopReason;
  const facts = Object.entries(numbers)
    .filter(([, value]) => known(value))
    .map(
      ([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : JSON.stringify(value)}`,
    );
  return `${policy}${facts.length ? ` (${facts.join(', ')})` : ''}`;
}

/** @param {any} iteration of the report */
function iterationLine(iteration) {
  const { seconds = {}, rows, samples } = iteration;
  const spent = Object.entries(seconds)
    .filter(([, value]) => known(value))
    .map(([phase, value]) => `${phase} ${Math.round(Number(value))} s`);
  return [
    `    iteration ${iteration.iteration}`,
    `score ${score(iteration.score)} ${interval(iteration)}`.trimEnd(),
    known(samples) ? `on ${samples} samples` : '',
    known(rows) ? `${rows} rows trained on` : '',
    spent.join(', '),
    iteration.champion ? '← champion' : '',
  ]
    .filter(Boolean)
    .join('  ');
}

/**
 * @param {any} task as the API shows it
 * @param {any} report its report
 * @returns {string[]}
 */
export function summariseTask(task, report) {
  const lines = [`  ${task.taskName} (${task.taskMode}, ${task.modelName}): ${task.status}`];
  if (task.failure) lines.push(`    ${task.failure.code} in ${task.failure.phase}: ${task.failure.message}`);
  if (report.metric)
    lines.push(`    metric ${report.metric.name}${report.metric.higherIsBetter === false ? ', lower is better' : ''}`);
  lines.push(...report.iterations.map(iterationLine));
  if (report.test) {
    lines.push(
      `    sealed test  score ${score(report.test.score)} ${interval(report.test)}  on ${report.test.samples} samples, read ${report.test.reads} time(s)`,
    );
  }
  if (task.status === 'COMPLETED') lines.push(`    stopped by: ${describeStopReason(task.stopReason)}`);
  return lines;
}
