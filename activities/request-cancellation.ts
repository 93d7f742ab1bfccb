/** Asks Temporal to cancel a workflow that was told to by signal: only the server can end an execution as cancelled. */
import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';

/** Requests the cancellation of one run. A run that is over needs none. */
export async function requestCancellation(
  client: WorkflowClient,
  { workflowId, runId }: { workflowId: string; runId: string },
): Promise<void> {
  try {
    await client.getHandle(workflowId, runId).cancel();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
