/** Every execution that the workflow tests and the whole-stack tests started, replayed to where it stood. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Runtime, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { readExecutions, replayExecutions } from '../../src/testing/histories';

const FOLDER = process.env.WLOPS_TEST_HISTORIES ?? '';

let bundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: { core: 'OFF' as never, other: 'OFF' as never } } },
  });
  bundle = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, '../../workflows/index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
});

// Otherwise a replay that fails leaves the SDK's threads, and jest waits for them for ever.
afterAll(() => Runtime.instance().shutdown());

/** Fewer mean that executions were not kept. */
const SUITES = [
  ['workflow-tests', 150],
  ['system-tests', 10],
] as const;

test.each(SUITES)('the executions of the %s', async (suite, atLeast) => {
  const file = path.join(FOLDER, `${suite}.jsonl.br`);
  // Kept by the steps `jest` and `system`: alone, this one has nothing to replay.
  expect([file, existsSync(file)]).toEqual([file, true]);
  const { executions, runs, faults } = await replayExecutions(bundle, readExecutions(file));
  expect(faults.map(({ name, run, error }) => `${name}, run ${run}: ${error.message}`)).toEqual([]);
  expect(executions).toBeGreaterThanOrEqual(atLeast);
  expect(runs).toBeGreaterThanOrEqual(executions);
});
