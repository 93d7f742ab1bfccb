/** How long a task's history is, asked of Temporal itself and not through a proxy. */
import { Client, Connection } from '@temporalio/client';
import { taskWorkflowId } from '../../../src/contracts/task-workflow';
import { stackProcess } from '../../system/support/client';

/** Events in the history of the task's current run. */
export async function historyLength(taskId: string): Promise<number> {
  const connection = await Connection.connect({ address: `127.0.0.1:${stackProcess('temporal').port}` });
  try {
    const { historyLength: events } = await new Client({ connection }).workflow
      .getHandle(taskWorkflowId(taskId))
      .describe();
    return events;
  } finally {
    await connection.close();
  }
}
