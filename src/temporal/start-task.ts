/** Starts the one workflow of a task. Safe to repeat: by the API after a lost reply, and by the worker's sweeper. */
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import {
  SEARCH_ATTRIBUTES,
  TASK_QUEUES,
  taskWorkflowId,
  WORKFLOW_TYPES,
  type TaskSpec,
  type TaskWorkflowInput,
} from '../contracts/task-workflow';
import { callTemporal } from './deadline';

/** Temporal shows at most 200 bytes. */
const MAX_SUMMARY_BYTES = 200;

/** A worker that dies in the middle of a step holds the workflow up for this long; a step takes milliseconds. */
const WORKFLOW_TASK_TIMEOUT = '5s';

/**
 * Starts the task's workflow or finds the one that was started before, which may have ended since. Answers with its id. Throws
 * `AppError` `SERVICE_UNAVAILABLE` when Temporal does not answer.
 */
export async function startTask(client: Client, task: TaskSpec): Promise<string> {
  const workflowId = taskWorkflowId(task.taskId);
  const input: TaskWorkflowInput = { task };
  return callTemporal(client, async () => {
    try {
      await client.workflow.start(WORKFLOW_TYPES[task.mode], {
        workflowId,
        taskQueue: TASK_QUEUES.main,
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        args: [input],
        // A task that is over never runs again; one that runs is found.
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
        typedSearchAttributes: [
          { key: SEARCH_ATTRIBUTES.taskId, value: task.taskId },
          { key: SEARCH_ATTRIBUTES.userId, value: String(task.userId) },
          { key: SEARCH_ATTRIBUTES.mode, value: task.mode },
          { key: SEARCH_ATTRIBUTES.status, value: 'PENDING' },
          { key: SEARCH_ATTRIBUTES.model, value: cutToBytes(task.modelName, 255) },
          { key: SEARCH_ATTRIBUTES.datasetId, value: task.source.datasetId },
          { key: SEARCH_ATTRIBUTES.iteration, value: 0 },
        ],
        memo: { taskName: task.taskName, userId: task.userId },
        staticSummary: cutToBytes(`${task.mode} · ${task.modelName} · ${task.taskName}`, MAX_SUMMARY_BYTES),
        staticDetails: staticDetails(task),
        priority: { fairnessKey: String(task.userId) },
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    return workflowId;
  });
}

function staticDetails({ source, stopConditions, mode, seed }: TaskSpec): string {
  const lines = [`- data set \`${source.datasetId}\``, `- seed ${seed}`];
  if (mode === 'CONTINUOUS') {
    const { maxIterations, performanceThreshold } = stopConditions;
    lines.push(
      `- at most ${maxIterations} iterations${performanceThreshold === null ? '' : `, or a score of ${performanceThreshold}`}`,
    );
  }
  return lines.join('\n');
}

function cutToBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return text;
  // A character cut in two becomes U+FFFD at the end.
  return (
    bytes
      .subarray(0, maxBytes - 3)
      .toString('utf8')
      .replace(/\uFFFD+$/, '') + '…'
  );
}
