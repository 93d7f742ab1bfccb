/**
 * Records the histories that `replay.test.ts` replays: both modes, several ends, whole continue-as-new chains.
 * Run it after an intended change of the workflows' commands: `npx tsx workflows/histories/record.ts`. Needs `temporal`, `postgres`
 * and `initdb` on PATH. Who recorded and where is taken out; replay does not look at it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { cancelTask, pauseTask, resumeTask, updateStopConditions } from '../../src/temporal/control-task';
import { taskSpec } from '../../src/testing/job-results';
import { jobFailure, TaskHarness } from '../../src/testing/task-harness';
import { taskWorkflowId, type TaskSpec } from '../../src/contracts/task-workflow';

/** Fixed, so that a new recording differs only where the workflows do. */
const spec = (name: string, overrides: Partial<TaskSpec> = {}): TaskSpec => taskSpec({ taskId: `task_${name}`, ...overrides });

const loop = (name: string, conditions: Partial<TaskSpec['stopConditions']>): TaskSpec => {
  const task = spec(name, { mode: 'CONTINUOUS' });
  return { ...task, stopConditions: { ...task.stopConditions, ...conditions } };
};

type Scenario = (harness: TaskHarness) => Promise<string>;

const SCENARIOS: Record<string, Scenario> = {
  'standard-completed': async (harness) => ended(harness, spec('completed')),
  'standard-without-test': async (harness) => ended(harness, spec('without_test', { test: null })),
  'standard-failed': async (harness) => {
    const task = spec('failed');
    harness.script(task.taskId, 'optimization', () => Promise.reject(jobFailure('DATASET_UNREADABLE')));
    return ended(harness, task);
  },
  'standard-lost-job': async (harness) => {
    const task = spec('lost_job');
    harness.script(task.taskId, 'training', ({ segment }) =>
      segment === 0 ? Promise.reject(jobFailure('JOB_LOST', true)) : Promise.resolve(),
    );
    return ended(harness, task);
  },
  'standard-cancelled': async (harness) => {
    const task = spec('cancelled');
    const training = harness.hold(task.taskId, 'training');
    await harness.start(task);
    await training.reached;
    await harness.handle(task.taskId).cancel();
    return ended(harness, task);
  },
  'standard-cancelled-by-signal-while-suspended': async (harness) => {
    const task = spec('cancelled_suspended');
    const optimization = harness.hold(task.taskId, 'optimization');
    await harness.start(task);
    await optimization.reached;
    await pauseTask(harness.temporal.client, task.taskId, { reason: 'a pause' });
    optimization.letGo();
    await harness.reaches(task.taskId, 'SUSPENDED');
    await cancelTask(harness.temporal.client, task.taskId, { reason: 'a cancel' });
    return ended(harness, task);
  },
  'continuous-paused-and-edited': async (harness) => {
    const task = loop('paused_edited', { maxIterations: 1 });
    await harness.suspendAfterEvaluation(task);
    await updateStopConditions(harness.temporal.client, task.taskId, { maxIterations: 3 });
    await resumeTask(harness.temporal.client, task.taskId);
    await harness.reaches(task.taskId, 'LOOPING');
    await pauseTask(harness.temporal.client, task.taskId);
    await harness.reaches(task.taskId, 'SUSPENDED');
    await resumeTask(harness.temporal.client, task.taskId);
    return ended(harness, task);
  },
  'continuous-champion-kept': async (harness) => {
    const task = loop('champion_kept', { maxIterations: 4, plateau: { patience: 2, minimumGain: 0.01 } });
    harness.scores.set(task.taskId, [0.6, 0.5, 0.55]);
    return ended(harness, task);
  },
  'continuous-cancelled': async (harness) => {
    const task = loop('loop_cancelled', { maxIterations: 9 });
    const training = harness.hold(task.taskId, 'training', 1);
    await harness.start(task);
    await training.reached;
    await cancelTask(harness.temporal.client, task.taskId);
    return ended(harness, task);
  },
};

async function ended(harness: TaskHarness, task: TaskSpec): Promise<string> {
  await harness.start(task);
  await harness.outcome(task.taskId);
  return task.taskId;
}

/** All runs of a task's workflow, in order. */
async function chain(harness: TaskHarness, taskId: string): Promise<unknown[]> {
  const workflowId = taskWorkflowId(taskId);
  const { workflow } = harness.temporal.client;
  const last = await workflow.getHandle(workflowId).fetchHistory();
  let runId: string | null | undefined = last.events?.[0]?.workflowExecutionStartedEventAttributes?.firstExecutionRunId;
  const runs: unknown[] = [];
  while (runId) {
    const history = await workflow.getHandle(workflowId, runId).fetchHistory();
    runs.push({ workflowId, history: anonymous(JSON.parse(historyToJSON(history))) });
    const end = history.events?.at(-1);
    runId = end?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return runs;
}

/** Without host names, process ids and file paths. */
function anonymous(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(anonymous);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => {
    if (name === 'identity' || name === 'stackTrace') return [name, ''];
    if (name === 'taskQueue' && JSON.stringify(inner).includes('STICKY')) return [name, { name: 'sticky' }];
    return [name, anonymous(inner)];
  });
  return Object.fromEntries(entries);
}

interface Servers {
  temporalAddress: string;
  stop(): Promise<void>;
}

async function main(): Promise<void> {
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
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      const runs = await chain(harness, await scenario(harness));
      const file = path.join(__dirname, `${name}.json.gz`);
      writeFileSync(file, gzipSync(JSON.stringify(runs), { level: 9 }));
      process.stdout.write(`${name}: ${runs.length} runs\n`);
    }
    await harness.close();
  } finally {
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
