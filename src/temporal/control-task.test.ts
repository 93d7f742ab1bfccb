import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { pauseTask } from './control-task';

/** A client whose task answers an update with `answers`, one after the other, while its workflow is `standing`. */
function clientOf(standing: 'RUNNING' | 'CONTINUED_AS_NEW' | 'COMPLETED', answers: (Error | object)[]) {
  const executeUpdate = jest.fn(async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const describe = () => Promise.resolve({ status: { name: standing } });
  const connection = { withDeadline: () => Promise.resolve({}) };
  const client = {
    connection,
    withDeadline: (_deadline: number, call: () => Promise<unknown>) => call(),
    workflow: { getHandle: () => ({ executeUpdate, describe }) },
  } as unknown as Client;
  return { client, executeUpdate };
}

const closed = () => new WorkflowNotFoundError('workflow execution already completed', 'wlops-task-x', undefined);

test.each(['RUNNING', 'CONTINUED_AS_NEW'] as const)(
  'an update whose run closes under it is given to the next one, as often as it takes, while the task is %s',
  async (standing) => {
    const paused = { status: 'LOOPING', controlState: 'pausing' };
    const { client, executeUpdate } = clientOf(standing, [closed(), closed(), paused]);
    expect(await pauseTask(client, 'x')).toBe(paused);
    expect(executeUpdate).toHaveBeenCalledTimes(3);
  },
);

test('an update of a task that is over is not tried again', async () => {
  const { client, executeUpdate } = clientOf('COMPLETED', [closed()]);
  await expect(pauseTask(client, 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(executeUpdate).toHaveBeenCalledTimes(1);
});
