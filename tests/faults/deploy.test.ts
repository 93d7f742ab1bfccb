/** F33: a new version of the worker under load, on a server that can move a loop between its iterations. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { rollingDeploy } from '../../src/testing/rolling-deploy';
import { TaskHarness } from '../../src/testing/task-harness';
import { stackProcess } from '../system/support/client';

let folder: string;
let harness: TaskHarness;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'wlops-deploy-'));
  const workflowsPath = path.join(__dirname, '../../workflows/index.ts');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  process.env.WLOPS_TEST_WORKFLOW_BUNDLE = path.join(folder, 'workflows.js');
  writeFileSync(process.env.WLOPS_TEST_WORKFLOW_BUNDLE, code);
  process.env.WLOPS_TEST_TEMPORAL_ADDRESS = `127.0.0.1:${stackProcess('temporal').port}`;
  harness = await TaskHarness.open();
  await harness.endWorkers();
});
afterAll(async () => {
  await harness?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('F33 a new version under load: no task fails, one that was suspended before stays, and loops go over with their next iteration', async () => {
  const { outcomes, suspended, suspendedLater, late, loops } = await rollingDeploy(harness);
  expect(outcomes).toEqual(outcomes.map(() => expect.objectContaining({ champion: expect.anything() })));
  expect(suspended).toEqual([['old'], ['old']]);
  expect(suspendedLater).toEqual([['old'], ['new']]);
  expect(late).toEqual(late.map(() => [['new']]));
  for (const runs of loops) {
    expect(runs.map((versions) => versions.length)).toEqual(runs.map(() => 1));
    const builds = runs.flat();
    expect([builds[0], builds.at(-1)]).toEqual(['old', 'new']);
    expect(builds.indexOf('new')).toBe(builds.lastIndexOf('old') + 1);
  }
});
