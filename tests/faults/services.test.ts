/** The services and their jobs die, and forget. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { stackProcess, waitFor } from '../system/support/client';
import { cut, DATA_DIR, heal, isBack, kill, killJob } from './support/faults';
import { faultTests, person, reference } from './support/setup';
import { enteredAt, figure, jobOf, jobs, LONG, query, resultOf, SHORT } from './support/world';

faultTests({ withReference: true });

/** Takes the memory of a service: it stands still while its store is removed, and then dies. */
async function wipe(service: 'trainer' | 'optimizer'): Promise<number> {
  process.kill(stackProcess(service).pid, 'SIGSTOP');
  for (const ending of ['', '-wal', '-shm'])
    rmSync(path.join(DATA_DIR, 'jobs', `${service}.sqlite${ending}`), { force: true });
  return kill(service);
}

test.each(['optimizer', 'evaluator'] as const)(
  'F4 %s killed at work: the same key, and nothing of the broken attempt is accepted',
  async (service) => {
    const phase = service === 'optimizer' ? 'optimization' : 'evaluation';
    const taskId = await person.start(SHORT);
    await person.working(taskId, service);
    const killedAt = await kill(service);
    await person.completed(taskId);
    const job = jobOf(service, taskId, phase);
    expect(job).toMatchObject({ segment: 0, state: 'succeeded' });
    figure(`${service} killed, to the end of its job`, (job.finishedAt ?? 0) - killedAt);
    // What was accepted lies below the attempt that finished.
    const [row] = await query(
      `SELECT details::text AS details FROM task_executions WHERE task_id = $1 AND phase = $2::"Phase"`,
      [taskId, phase],
    );
    expect(row.details).toContain(`attempt-${job.attempt}/`);
  },
);

test.each([
  ['first', 1],
  ['middle', 1500],
  ['last', 2700],
])(
  'F5 trainer killed at the %s epoch: at most one interval is lost, and the weights are the same',
  async (_which, step) => {
    const taskId = await person.start(LONG);
    await person.when(
      taskId,
      ({ status, progress }) => status === 'EVALUATING' || (status === 'TRAINING' && progress?.step >= step),
      90,
    );
    const killedAt = await kill('trainer');
    await person.completed(taskId);
    expect(await resultOf(taskId)).toEqual(reference);
    expect(jobOf('trainer', taskId, 'training').attempt).toBeLessThanOrEqual(2);
    figure(
      `trainer killed at step ${step}, to the end of the training`,
      (await enteredAt(taskId, 'EVALUATING')) - killedAt,
    );
  },
);

test('F6 trainer forgets a job that runs: lost, not failed; it is given again, or its next segment goes on, and the weights are the same', async () => {
  const taskId = await person.start(LONG);
  await person.when(taskId, ({ status, progress }) => status === 'TRAINING' && progress?.step > 1000, 90);
  await isBack('trainer', await wipe('trainer'));
  await person.completed(taskId);
  expect(await resultOf(taskId)).toEqual(reference);
  const trainings = jobs('trainer').filter((job) => job.taskId === taskId);
  // Which of the two depends on whether the worker asked while the service was away.
  expect(trainings.map(({ state }) => state)).toEqual(['succeeded']);
});

test('F6 trainer forgets a job that was done: its result is taken over, and not made again', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await cut('worker→trainer');
  await waitFor('the training to be done unseen', 90, async () =>
    jobOf('trainer', taskId, 'training').state === 'succeeded' ? true : null,
  );
  const modelsBefore = await query('SELECT 1 FROM task_executions WHERE task_id = $1 AND model_path IS NOT NULL', [
    taskId,
  ]);
  expect(modelsBefore).toEqual([]);
  await isBack('trainer', await wipe('trainer'));
  await heal();
  await person.completed(taskId);
  expect(await resultOf(taskId)).toEqual(reference);
  const [row] = await query(
    `SELECT details->'model'->>'key' AS model FROM task_executions WHERE task_id = $1 AND phase = 'training' AND status = 'completed'`,
    [taskId],
  );
  expect(row.model).toContain(`models/${taskId}/0/s0/`);
});

test('F7 the process of a job dies in each attempt: FAILED with its code, and other tasks are not touched', async () => {
  const [hit, other] = [await person.start({ ...LONG, taskName: 'doomed' }), await person.start(SHORT)];
  await person.working(hit, 'trainer');
  // At the latest when three attempts in a row were killed before they told of anything; one that got further is free.
  for (let deaths = 1; jobOf('trainer', hit, 'training').state !== 'failed' && deaths <= 12; deaths += 1) {
    await killJob('trainer');
    await waitFor('the next attempt', 60, async () => {
      const { state, attempt } = jobOf('trainer', hit, 'training');
      return state === 'failed' || (state === 'running' && attempt > deaths) ? true : null;
    });
  }
  await person.completed(other);
  const task = await person.when(hit, ({ status }) => status === 'FAILED' || status === 'COMPLETED', 120);
  // A crash may be the machine's fault: what its task does with it stands in its executions.
  expect(task.status === 'COMPLETED' || task.failure.code === 'JOB_CRASHED').toBe(true);
  expect(jobs('trainer').find((job) => job.taskId === hit && job.segment === 0)).toMatchObject({
    state: 'failed',
  });
});
