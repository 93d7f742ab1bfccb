/** The services and their jobs die, and forget. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { stackProcess, waitFor, type Json } from '../system/support/client';
import { cut, DATA_DIR, heal, isBack, kill, killJobs, sleep } from './support/faults';
import { faultTests, person, reference } from './support/setup';
import {
  checkpointsOf,
  enteredAt,
  expectOneIntervalLost,
  figure,
  jobOf,
  jobs,
  LONG,
  query,
  resultOf,
  SHORT,
} from './support/world';

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
  // Of the last epoch, six steps, nobody sees anything.
  ['last', 2000],
] as const)(
  'F5 trainer killed in the %s part: it goes on from its checkpoint, at most one interval is lost, and the weights are the same',
  async (which, step) => {
    const taskId = await person.start(LONG);
    // By the service's own word: what the API shows is a second old, in which a thousand steps are done.
    await waitFor(`step ${step}`, 90, async () =>
      jobs('trainer').some((job) => job.taskId === taskId && job.state === 'running' && (job.step ?? 0) >= step)
        ? true
        : null,
    );
    const killedAt = await kill('trainer');
    const saved = checkpointsOf(taskId);
    await person.completed(taskId);
    expect(await resultOf(taskId)).toEqual(reference);
    expect(jobOf('trainer', taskId, 'training').attempt).toBe(2);
    if (which !== 'first') expect(saved.length).toBeGreaterThan(0);
    await expectOneIntervalLost(taskId, killedAt, saved);
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

test('F7 the process of a job dies in each attempt of each segment: FAILED with its code, and other tasks are not touched', async () => {
  const [hit, other] = [await person.start({ ...LONG, taskName: 'doomed' }), await person.start(SHORT)];
  await person.working(hit, 'trainer');
  const failed = (task: Json) => task.status === 'FAILED' || task.status === 'COMPLETED';
  for (const until = Date.now() + 180_000; !failed(await person.client.task(hit)); await sleep(50)) {
    if (Date.now() > until) throw new Error('the task goes on and on');
    killJobs('trainer', new Set(jobs('trainer').flatMap(({ taskId, jobId }) => (taskId === hit ? jobId : []))));
  }
  const task = await person.client.task(hit);
  expect([task.status, task.failure?.code]).toEqual(['FAILED', 'JOB_CRASHED']);
  const segments = jobs('trainer').filter((job) => job.taskId === hit);
  expect(segments.map(({ state }) => state)).toEqual(segments.map(() => 'failed'));
  process.stdout.write(`    attempts of each segment: ${segments.map(({ attempt }) => attempt).join(', ')}\n`);
  await person.completed(other);
  expect(jobOf('trainer', other, 'training')).toMatchObject({ segment: 0, attempt: 1, crashes: 0 });
}, 400_000);
