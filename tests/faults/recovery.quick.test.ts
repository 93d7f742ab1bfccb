/** The quick part: one fault of each kind, at the moment where it hurts. What each row promises in full is in the other files. */
import { blackhole, heal, isBack, kill, killJob, PROCESSES, restart, sleep } from './support/faults';
import { faultTests, person, reference } from './support/setup';
import {
  checkpointsOf,
  enteredAt,
  executions,
  expectOneIntervalLost,
  figure,
  gapMs,
  jobOf,
  LONG,
  NEXT_STATUS_MS,
  ONE_PASS,
  resultOf,
  SHORT,
} from './support/world';

faultTests({ withReference: true });

test('F2 worker killed in training: the next one finds the running job, and the task goes on in time', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  const killedAt = await kill('worker');
  await person.completed(taskId);
  expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 1, state: 'succeeded' });
  expect(await executions(taskId)).toEqual(ONE_PASS);
  expect(await resultOf(taskId)).toEqual(reference);
  const gap = await gapMs(taskId, 'trainer', 'training', 'EVALUATING', killedAt);
  figure('worker killed in training, to the next status', gap);
  expect(gap).toBeLessThan(NEXT_STATUS_MS);
});

test('F4 optimizer killed at work: the same job is run again, under its key', async () => {
  const taskId = await person.start(SHORT);
  await person.working(taskId, 'optimizer');
  const killedAt = await kill('optimizer');
  await person.completed(taskId);
  const job = jobOf('optimizer', taskId, 'optimization');
  expect(job).toMatchObject({ segment: 0, state: 'succeeded' });
  expect(job.attempt).toBeLessThanOrEqual(2);
  figure('optimizer killed, to the next status', (await enteredAt(taskId, 'TRAINING')) - killedAt);
});

test('F5 trainer killed in the middle: training goes on from its checkpoint, to the same weights', async () => {
  const taskId = await person.start(LONG);
  await person.checkpointed(taskId);
  const killedAt = await kill('trainer');
  const saved = checkpointsOf(taskId);
  await person.completed(taskId);
  expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 2, state: 'succeeded' });
  expect(saved.length).toBeGreaterThan(0);
  await expectOneIntervalLost(taskId, killedAt, saved);
  expect(await resultOf(taskId)).toEqual(reference);
  figure('trainer killed, to the end of the training', (await enteredAt(taskId, 'EVALUATING')) - killedAt);
});

test('F7 the process of a job killed: run once more, and nothing else is touched', async () => {
  const [hit, other] = [await person.start(LONG), await person.start(SHORT)];
  await person.working(hit, 'trainer');
  await killJob('trainer');
  await Promise.all([person.completed(hit), person.completed(other)]);
  const both = [jobOf('trainer', hit, 'training'), jobOf('trainer', other, 'training')];
  expect(both.map(({ crashes }) => crashes).sort()).toEqual([0, 1]);
  expect(await resultOf(hit)).toEqual(reference);
});

test('F8 Temporal killed while a job runs: the job runs on, and the task goes on', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  const killedAt = await kill('temporal');
  await person.completed(taskId);
  expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 1 });
  const gap = await gapMs(taskId, 'trainer', 'training', 'EVALUATING', killedAt);
  figure('Temporal killed in training, to the next status', gap);
  expect(gap).toBeLessThan(15_000);
});

test('F9 PostgreSQL killed three times under a task: nothing that was committed is gone', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  for (let round = 0; round < 3; round += 1) {
    await kill('postgres');
    await sleep(2500);
  }
  await person.completed(taskId);
  expect(await resultOf(taskId)).toEqual(reference);
});

test('F10 the object store killed while a job runs: the work is done again where it must be, and whole', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await kill('s3');
  await person.completed(taskId);
  expect(await resultOf(taskId)).toEqual(reference);
});

test('F12 every process killed at once: everything comes back, and the task ends as without it', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await Promise.all(PROCESSES.map((name) => kill(name)));
  const killedAt = Date.now();
  await isBack('api', killedAt);
  figure('everything killed, to an API that is ready', Date.now() - killedAt);
  await person.completed(taskId);
  figure('everything killed in training, to the next status', (await enteredAt(taskId, 'EVALUATING')) - killedAt);
  expect(await resultOf(taskId)).toEqual(reference);
});

test('F14 the worker cut off from the trainer for five seconds: it finds the job again', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await blackhole('worker→trainer');
  await sleep(5000);
  await heal();
  await person.completed(taskId);
  expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 1 });
});

test('F24 paused in training, everything restarted while it rests, resumed: the result of an unbroken run', async () => {
  const taskId = await person.start(LONG);
  await person.when(taskId, ({ status, progress }) => status === 'TRAINING' && progress?.step > 300, 90);
  expect((await person.ask(`/api/tasks/${taskId}/pause`)).status).toBeLessThan(300);
  await person.when(taskId, ({ status, controlState }) => status === 'SUSPENDED' && controlState === 'none', 30);
  for (const name of ['worker', 'trainer', 'temporal', 'api'] as const) await restart(name);
  expect((await person.ask(`/api/tasks/${taskId}/resume`)).status).toBeLessThan(300);
  await person.completed(taskId);
  expect(await resultOf(taskId)).toEqual(reference);
});
