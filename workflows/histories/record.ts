/**
 * Records the histories that `replay.test.ts` replays, of all scenarios, whole continue-as-new chains included. Run it after an intended
 * change of the workflows' commands, with a name for the new file: `npx tsx workflows/histories/record.ts 0.2.0`. Files of earlier
 * versions stay: tasks that those have started must go on. Needs `temporal`, `postgres` and `initdb` on PATH.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { taskWorkflowId } from '../../src/contracts/task-workflow';
import { fetchExecution, writeExecutions, type RecordedExecution } from '../../src/testing/histories';
import { TaskHarness } from '../../src/testing/task-harness';
import { SCENARIOS } from './scenarios';

const AT_ONCE = 12;

async function record(harness: TaskHarness): Promise<RecordedExecution[]> {
  const recorded: RecordedExecution[] = [];
  const left = [...SCENARIOS];
  const play = async () => {
    for (let scenario = left.shift(); scenario; scenario = left.shift()) {
      const taskId = await scenario.play(harness);
      recorded.push(await fetchExecution(harness.temporal.client, taskWorkflowId(taskId), scenario.name));
      if (recorded.length % 25 === 0) process.stdout.write(`${recorded.length} of ${SCENARIOS.length}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, play));
  return recorded.sort((a, b) => a.name.localeCompare(b.name));
}

interface Servers {
  temporalAddress: string;
  stop(): Promise<void>;
}

async function main(version: string): Promise<void> {
  /* eslint-disable @typescript-eslint/no-require-imports -- the tests' set-up is CommonJS without types, as jest wants it. */
  const { startServers } = require('../../src/testing/servers.cjs') as { startServers: (attributes: object[]) => Promise<Servers> };
  const { bundleWorkflows } = require('../../src/testing/workflow-bundle.cjs') as {
    bundleWorkflows: (source: string, file: string) => Promise<void>;
  };
  /* eslint-enable @typescript-eslint/no-require-imports */
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wlops-record-'));
  const bundle = path.join(folder, 'workflows.js');
  const servers = await startServers([]);
  try {
    await bundleWorkflows(path.join(__dirname, '../index.ts'), bundle);
    process.env.WLOPS_TEST_TEMPORAL_ADDRESS = servers.temporalAddress;
    process.env.WLOPS_TEST_WORKFLOW_BUNDLE = bundle;
    const harness = await TaskHarness.open();
    const executions = await record(harness);
    const file = path.join(__dirname, `${version}.jsonl.br`);
    writeExecutions(file, executions, true);
    const runs = executions.reduce((sum, one) => sum + one.runs.length, 0);
    process.stdout.write(`${file}: ${executions.length} executions, ${runs} runs\n`);
    await harness.close();
  } finally {
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [version] = process.argv.slice(2);
if (!version || !/^[\w.-]+$/.test(version)) {
  process.stderr.write('name the new file: npx tsx workflows/histories/record.ts <version>\n');
  process.exitCode = 2;
} else {
  main(version).catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
