/**
 * Pause, resume, cancel and new stop conditions for a task's workflow. Pause, resume and stop conditions are updates: they answer with
 * what happened, or `ILLEGAL_TRANSITION` when the task refuses; one that meets a continue-as-new goes to the next run. Cancel is a
 * signal: it needs no live worker to be taken.
 */
import { setTimeout } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import {
  MESSAGE_NAMES,
  taskWorkflowId,
  type ControlAnswer,
  type ControlRequest,
  type TaskProgressView,
  type TaskStatusView,
  type UpdateHyperparametersRequest,
  type UpdateStopConditionsRequest,
} from '../contracts/task-workflow';
import type { StopConditions } from '../domain/stop-conditions';
import { callTemporal } from './deadline';

/** Between two tries of an update whose run closed under it; the call's deadline ends them. */
const UPDATE_RETRY_MS = 50;

/** Asks a task to suspend itself; it does so when its running job has ended, a training with a checkpoint. */
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

/** Changes hyperparameters of a suspended task that do not decide its result. Answers with all of them. */
export function updateHyperparameters(
  client: Client,
  taskId: string,
  request: UpdateHyperparametersRequest,
): Promise<Record<string, number | string | boolean>> {
  return update(client, taskId, MESSAGE_NAMES.updateHyperparameters, request);
}

/** Asks a task to end. Resolves when Temporal has the request; the task's row shows the outcome. */
export function cancelTask(client: Client, taskId: string, request: ControlRequest = {}): Promise<void> {
  return signal(client, taskId, MESSAGE_NAMES.cancel, request);
}

/** Asks a task to end as failed. Resolves when Temporal has the request; the task's row shows the outcome. */
export function failTask(client: Client, taskId: string, request: ControlRequest = {}): Promise<void> {
  return signal(client, taskId, MESSAGE_NAMES.fail, request);
}

function signal(client: Client, taskId: string, name: string, request: ControlRequest): Promise<void> {
  return callTemporal(client, () => client.workflow.getHandle(taskWorkflowId(taskId)).signal(name, request));
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
  // Without a run id: the current run of the chain.
  const handle = client.workflow.getHandle(taskWorkflowId(taskId));
  return callTemporal(client, async () => {
    for (;;) {
      try {
        return await handle.executeUpdate<Answer, [object]>(name, { args: [request] });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError) || !(await goesOn(handle))) throw error;
        await setTimeout(UPDATE_RETRY_MS);
      }
    }
  });
}

/** Whether the run was closed only to continue as new: the task goes on in another one, which may not be the current one yet. */
async function goesOn(handle: WorkflowHandle): Promise<boolean> {
  const { status } = await handle.describe();
  return status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW';
}
