/** The maintenance workflows on the real server, with the activities a test gives them. */
import { createWorkers, runWorkers } from '../temporal/workers';
import type { TestTemporal } from './temporal';

/** Runs workers over these activities until the returned function is called and has resolved. */
export async function startMaintenanceWorkers(
  { nativeConnection: connection, namespace }: TestTemporal,
  activities: object,
): Promise<() => Promise<void>> {
  const codePath = process.env.WLOPS_TEST_WORKFLOW_BUNDLE;
  if (!codePath) throw new Error('WLOPS_TEST_WORKFLOW_BUNDLE is not set; jest sets it in src/testing/global-setup.cjs');
  const workers = await createWorkers({
    ...{ connection, namespace, activities },
    workflows: { workflowBundle: { codePath } },
    slots: { optimize: 1, train: 1, evaluate: 1 },
  });
  let end: () => void = () => undefined;
  const stop = new Promise<void>((resolve) => (end = resolve));
  const running = runWorkers(workers, stop);
  return async () => {
    end();
    await running;
  };
}
