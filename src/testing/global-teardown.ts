/** After all tests: what their workflows did is kept for the replay step, and nothing that was started lives on. */
import path from 'node:path';
import { saveExecutions } from './save-executions';

interface Servers {
  stop(): Promise<void>;
}

export default async function teardown(): Promise<void> {
  const { wlopsTest } = globalThis as unknown as { wlopsTest?: Servers };
  const { WLOPS_TEST_TEMPORAL_ADDRESS: address, WLOPS_TEST_HISTORIES: folder } = process.env;
  try {
    if (address && folder) await saveExecutions(address, path.join(folder, 'workflow-tests.jsonl.br'));
  } finally {
    await wlopsTest?.stop();
  }
}
