/**
 * Pause, resume, cancel and new stop conditions for a task's workflow. Pause, resume and stop conditions are updates: they answer with
 * what happened, or `ILLEGAL_TRANSITION` when the task refuses. Cancel is a signal: it needs no live worker to be taken.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import {
  MESSAGE_NAMES,
  taskWorkflowId,
  type ControlAnswer,
  type ControlRequest,
  type TaskProgressView,
  type TaskStatusView,
  type UpdateStopConditionsRequest,
} from '../contracts/task-workflow';
import type { StopConditions } from '../domain/stop-conditions';
import { callTemporal } from './deadline';

/** An update that meets a continue-as-new may be aborted; the next run takes it. */
const UPDATE_ATTEMPTS = 5;

/** Asks a task to suspend itself; it does so when its running phase has ended. */
export function pauseTask(client: Client, taskId: string, request: ControlRequest = {}): Promise<ControlAnswer> {
  return update<ControlAnswer>(client, taskId, MESSAGE_NAMES.pause, request);
}

/** Lets a suspended task go on, or calls off a pause that has not taken hold. */
export function resumeTask(client: Client, taskId: string, request: ControlRequest = {}): Promise<ControlAnswer> {
  return update<ControlAnswer>(client, taskId, MESSAGE_NAMES.resume, request);
}

/** Changes stop conditions of a running CONTINUOUS task; absent ones stay. Answers with all of them. */
export function updateStopConditions(
  client: Client,
  taskId: string,
  request: UpdateStopConditionsRequest,
): Promise<StopConditions> {
  return update<StopConditions>(client, taskId, MESSAGE_NAMES.updateStopConditions, request);
}

/** Asks a task to end. Resolves when Temporal has the request; the task's row shows the outcome. */
export function cancelTask(client: Client, taskId: string, request: ControlRequest = {}): Promise<void> {
  return callTemporal(client, () =>
    client.workflow.getHandle(taskWorkflowId(taskId)).signal(MESSAGE_NAMES.cancel, request),
  );
}

/** Status as the workflow has it. Needs a live worker. */
export function queryTaskStatus(client: Client, taskId: string): Promise<TaskStatusView> {
  return callTemporal(client, () =>
    client.workflow.getHandle(taskWorkflowId(taskId)).query<TaskStatusView>(MESSAGE_NAMES.status),
  );
}

/** Progress as the workflow has it. Needs a live worker. */
export function queryTaskProgress(client: Client, taskId: string): Promise<TaskProgressView> {
  return callTemporal(client, () =>
    client.workflow.getHandle(taskWorkflowId(taskId)).query<TaskProgressView>(MESSAGE_NAMES.progress),
  );
}

function update<Answer>(client: Client, taskId: string, name: string, request: object): Promise<Answer> {
  return callTemporal(client, async () => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        // Without a run id: the current run of the chain.
        return await client.workflow
          .getHandle(taskWorkflowId(taskId))
          .executeUpdate<Answer, [object]>(name, { args: [request] });
      } catch (error) {
        if (attempt === UPDATE_ATTEMPTS || !metContinueAsNew(error)) throw error;
      }
    }
  });
}

/** The server's words for an update whose run closed under it; when the whole task is over the next attempt says so. */
function metContinueAsNew(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError && /aborted by closing workflow/.test(error.message);
}
