// The figures `npm test` ends with: a suite that breaks, or finds nothing, must never look like one that passed.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { jestCounts, junitCounts, stepCounts, tapCounts } from '../../tools/test/counts.mjs';
import { temporaryFolder } from './support.mjs';

function report(t, content) {
  const file = path.join(temporaryFolder(t), 'report');
  fs.writeFileSync(file, content);
  return file;
}

test('a test file that jest could not load counts as a failure', (t) => {
  const file = report(
    t,
    JSON.stringify({
      numPassedTests: 7,
      numFailedTests: 1,
      numPendingTests: 2,
      numTodoTests: 0,
      numRuntimeErrorTestSuites: 1,
    }),
  );
  assert.deepEqual(jestCounts(file), { passed: 7, failed: 2, skipped: 2 });
});

test('failures and errors of pytest both count as failures', (t) => {
  const file = report(
    t,
    '<?xml version="1.0"?><testsuites name="pytest">' +
      '<testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1.5"></testsuite></testsuites>',
  );
  assert.deepEqual(junitCounts(file), { passed: 4, failed: 3, skipped: 3 });
});

test('the totals of TAP are read, cancelled tests as failures', () => {
  const output =
    'ok 1 - # pass 99 of them\n1..4\n# tests 5\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0\n';
  assert.deepEqual(tapCounts(output), { passed: 2, failed: 2, skipped: 1 });
});

test('a step without a report is one check', () => {
  assert.deepEqual(stepCounts(true, undefined), { passed: 1, failed: 0, skipped: 0 });
  assert.deepEqual(stepCounts(false, undefined), { passed: 0, failed: 1, skipped: 0 });
});

test('a step that fails has at least one failure, whatever its report says', () => {
  const clean = { passed: 5, failed: 0, skipped: 0 };
  assert.deepEqual(
    stepCounts(false, () => clean),
    { passed: 5, failed: 1, skipped: 0 },
  );
  assert.deepEqual(
    stepCounts(true, () => {
      throw new Error('there is no report');
    }),
    { passed: 0, failed: 1, skipped: 0 },
  );
});

test('a suite that finds no tests is a failure', () => {
  assert.equal(stepCounts(true, () => ({ passed: 0, failed: 0, skipped: 0 })).failed, 1);
});
