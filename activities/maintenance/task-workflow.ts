/** A task's workflow as Temporal has it now, asked for by id: visibility is behind the truth and takes few questions a second. */
import { WorkflowFailedError, WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import { taskWorkflowId } from '../../src/contracts/task-workflow';
import { CLOSED_STATES, type ClosedState, type WorkflowEnd } from '../../src/domain/reconciliation';

const CALL_MS = 8_000;
/** Long enough for a sentence; what people typed may be longer. */
const MAX_REASON_CHARACTERS = 500;

/** Whether the latest run goes on, and else how it ended. Throws when Temporal does not answer. */
export async function workflowState(client: WorkflowClient, taskId: string): Promise<'goes on' | ClosedState> {
  try {
    const { status } = await client.withDeadline(Date.now() + CALL_MS, () =>
      client.getHandle(taskWorkflowId(taskId)).describe(),
    );
    return CLOSED_STATES.find((state) => state === status.name) ?? 'goes on';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'NOT_FOUND';
    throw error;
  }
}

/** With the reason that Temporal was given; one that cannot be had is null. */
export async function withReason(client: WorkflowClient, taskId: string, state: ClosedState): Promise<WorkflowEnd> {
  const withoutReason = { state, reason: null };
  if (state !== 'TERMINATED' && state !== 'FAILED') return withoutReason;
  try {
    await client.withDeadline(Date.now() + CALL_MS, () => client.getHandle(taskWorkflowId(taskId)).result());
    return withoutReason;
  } catch (error) {
    const said = error instanceof WorkflowFailedError ? error.cause?.message : undefined;
    return { state, reason: said?.slice(0, MAX_REASON_CHARACTERS) || null };
  }
}
