/** The worker dies: in every phase, at the edge of a loop, while a task rests or is being cancelled, again and again, or politely. */
import { kill, PROCESSES, restart, restartPolitely, sleep, type Service } from './support/faults';
import { faultTests, person, reference } from './support/setup';
import {
  enteredAt,
  executions,
  figure,
  gapMs,
  jobOf,
  jobs,
  LONG,
  NEXT_STATUS_MS,
  ONE_PASS,
  resultOf,
  SHORT,
  VERY_LONG,
} from './support/world';

const LOOP = { ...SHORT, maxIterations: 3 };

faultTests({ withReference: true });

const PHASES: [status: string, service: Service, phase: string, next: string][] = [
  ['OPTIMIZING', 'optimizer', 'optimization', 'TRAINING'],
  ['TRAINING', 'trainer', 'training', 'EVALUATING'],
  ['EVALUATING', 'evaluator', 'evaluation', 'COMPLETED'],
];

test.each(PHASES)(
  'F2 worker killed in %s: the job is found again, and the task goes on in time',
  async (_status, service, phase, next) => {
    const taskId = await person.start(service === 'trainer' ? LONG : SHORT);
    await person.working(taskId, service);
    const killedAt = await kill('worker');
    await person.completed(taskId);
    expect(jobOf(service, taskId, phase)).toMatchObject({ segment: 0, attempt: 1, state: 'succeeded' });
    // The end of an evaluation is followed by the final test, which is work and no standstill.
    const until = next === 'COMPLETED' ? jobOf('evaluator', taskId, 'final').createdAt : await enteredAt(taskId, next);
    const gap = until - Math.max(killedAt, jobOf(service, taskId, phase).finishedAt ?? 0);
    figure(`worker killed in ${phase}, to what comes next`, gap);
    expect(gap).toBeLessThan(NEXT_STATUS_MS);
  },
);

test('F2 worker killed at the edge of a loop: the next iteration begins once', async () => {
  const taskId = await person.start(LOOP, 'continuous');
  await person.when(taskId, ({ status, currentIteration }) => status === 'LOOPING' || currentIteration === 1, 120);
  await kill('worker');
  await person.completed(taskId, 180);
  const optimizations = jobs('optimizer').filter((job) => job.taskId === taskId);
  expect(optimizations.map(({ iteration, segment }) => `${iteration}/${segment}`)).toEqual(['0/0', '1/0', '2/0']);
}, 300_000);

test('F2 worker killed while a task rests: it rests on, and goes on when it is told to', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await person.ask(`/api/tasks/${taskId}/pause`);
  await person.when(taskId, ({ status }) => status === 'SUSPENDED', 30);
  await restart('worker');
  expect((await person.client.task(taskId)).status).toBe('SUSPENDED');
  await person.ask(`/api/tasks/${taskId}/resume`);
  await person.completed(taskId);
});

test('F2 worker killed right after a cancel: the task is CANCELLED, and its job is gone', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await Promise.all([person.ask(`/api/tasks/${taskId}/cancel`), sleep(50).then(() => kill('worker'))]);
  await person.when(taskId, ({ status }) => status === 'CANCELLED', 30);
  expect(['cancelled', 'succeeded']).toContain(jobOf('trainer', taskId, 'training').state);
});

test('F3 the worker dies ten times, every two seconds: the job is started once, and the task ends', async () => {
  const taskId = await person.start(VERY_LONG);
  await person.working(taskId, 'trainer');
  for (let round = 0; round < 10; round += 1) {
    await kill('worker');
    await sleep(2000);
  }
  await person.completed(taskId, 180);
  expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 1 });
}, 300_000);

test('F13 every process restarted politely, one after the other: no request fails behind a retry, no job is lost, and the result is the same', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  let going = true;
  const answers: number[] = [];
  const asking = (async () => {
    while (going) {
      answers.push(
        (await person.ask('/api/tasks/standard', { ...SHORT, taskName: 'rolling', datasetId: person.datasetId }, 30))
          .status,
      );
      await sleep(200);
    }
  })();
  // The trainer first, while there is a training: it goes on in another attempt. The others do not touch it.
  for (const name of ['trainer', ...PROCESSES.filter((one) => one !== 'trainer')] as const) {
    await restartPolitely(name);
    if (name === 'trainer') await person.working(taskId, 'trainer');
    await sleep(1000);
  }
  going = false;
  await asking;
  await person.completed(taskId);
  expect(new Set(answers)).toEqual(new Set([201]));
  expect(jobOf('trainer', taskId, 'training')).toMatchObject({ segment: 0, attempt: 2 });
  expect(await executions(taskId)).toEqual(ONE_PASS);
  expect(await resultOf(taskId)).toEqual(reference);
  figure('all restarted politely, to the next status', await gapMs(taskId, 'trainer', 'training', 'EVALUATING', 0));
}, 300_000);
