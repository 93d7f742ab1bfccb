// @ts-check
// How many tests passed and failed, read from what each test runner writes for machines.
import fs from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @param {string} file a report of `jest --json` @returns {Counts} */
export function jestCounts(file) {
  const report = JSON.parse(fs.readFileSync(file, 'utf8'));
  // A file that could not be loaded has no tests of its own to count, and must not go unnoticed.
  const broken = report.numRuntimeErrorTestSuites ?? 0;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** @param {string} file a JUnit report of pytest @returns {Counts} */
export function junitCounts(file) {
  const suites = [...fs.readFileSync(file, 'utf8').matchAll(/<testsuite\b([^>]*)>/g)];
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const [, attributes = ''] of suites) {
    const read = (/** @type {string} */ name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
    const failed = read('failures') + read('errors');
    total.failed += failed;
    total.skipped += read('skipped');
    total.passed += read('tests') - failed - read('skipped');
  }
  return total;
}

/** @param {string} output of `node --test --test-reporter=tap` @returns {Counts} */
export function tapCounts(output) {
  const read = (/** @type {string} */ name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  return { passed: read('pass'), failed: read('fail') + read('cancelled'), skipped: read('skipped') + read('todo') };
}

/**
 * The counts of one step. A step that exits with a failure has at least one, whatever its report says; a step without a report is one
 * check that passed or failed.
 * @param {boolean} succeeded
 * @param {(() => Counts) | undefined} readReport
 * @returns {Counts}
 */
export function stepCounts(succeeded, readReport) {
  if (!readReport) return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 };
  try {
    const counts = readReport();
    // No test at all means that the runner did not find them.
    const nothingRan = counts.passed + counts.failed + counts.skipped === 0;
    return (!succeeded && counts.failed === 0) || nothingRan ? { ...counts, failed: counts.failed + 1 } : counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
