/** A new version of the worker comes while tasks run. That loops go over to it with their next iteration needs a newer server: `tests/faults`. */
import { rollingDeploy } from '../src/testing/rolling-deploy';
import { TaskHarness } from '../src/testing/task-harness';

let harness: TaskHarness;
beforeAll(async () => {
  harness = await TaskHarness.open();
  await harness.endWorkers();
});
afterAll(() => harness?.close());

test('no task fails when a new version comes, and each finishes what it does on the version it began with', async () => {
  const { outcomes, suspended, suspendedLater, late, loops } = await rollingDeploy(harness);
  expect(outcomes).toEqual(outcomes.map(() => expect.objectContaining({ champion: expect.anything() })));
  expect(suspended).toEqual([['old'], ['old']]);
  // This server has a run go on with the version of the one before.
  expect(suspendedLater).toEqual([['old'], ['old']]);
  expect(late).toEqual(late.map(() => [['new']]));
  for (const runs of loops) expect(runs.map((versions) => versions.length)).toEqual(runs.map(() => 1));
}, 90_000);
