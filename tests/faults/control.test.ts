/** People's wishes race each other, the end of the work, and faults. */
import { kill, PROCESSES, restart, sleep, type Service } from './support/faults';
import { historyLength } from './support/history';
import { faultTests, person, reference } from './support/setup';
import { enteredAt, figure, jobOf, jobs, LONG, query, resultOf, SHORT } from './support/world';

faultTests({ withReference: true });

const TERMINAL = ['COMPLETED', 'FAILED', 'CANCELLED'];
const PHASES: [Service][] = [['optimizer'], ['trainer'], ['evaluator']];

test('F22 200 starts at once: one workflow, one job of each phase, and every answer a success', async () => {
  const { taskId } = await person.client.must('/api/tasks/standard', {
    ...SHORT,
    taskName: 'many starts',
    datasetId: person.datasetId,
  });
  const replies = await Promise.all(
    Array.from({ length: 200 }, () => person.client.post(`/api/tasks/${taskId}/start`)),
  );
  expect(replies.every(({ status }) => status === 200 || status === 202)).toBe(true);
  await person.completed(taskId);
  expect(jobs('optimizer').filter((job) => job.taskId === taskId)).toHaveLength(1);
});

test('F22 pauses, resumes and a cancel, duplicated and shuffled: each is answered, refused or delayed, and the end is CANCELLED', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  const verbs = [
    'pause',
    'resume',
    'pause',
    'pause',
    'resume',
    'resume',
    'pause',
    'cancel',
    'cancel',
    'resume',
    'pause',
    'cancel',
  ];
  const replies = await Promise.all(
    verbs.map(async (verb, index) => sleep(index * 17).then(() => person.client.post(`/api/tasks/${taskId}/${verb}`))),
  );
  expect(replies.map(({ status }) => status).filter((status) => ![200, 202, 409, 503].includes(status))).toEqual([]);
  await person.when(taskId, ({ status }) => status === 'CANCELLED', 60);
});

test('F23 cancels swept over the end of a task: one end, the same in the row, the events and Temporal', async () => {
  const measured = await person.start(SHORT);
  await person.completed(measured);
  const work = (await enteredAt(measured, 'COMPLETED')) - (await enteredAt(measured, 'EVALUATING'));
  const tasks: string[] = [];
  for (let offset = -1500; offset <= 500; offset += 250) {
    const taskId = await person.start(SHORT);
    tasks.push(taskId);
    await person.when(taskId, ({ status }) => status === 'EVALUATING' || TERMINAL.includes(status), 90);
    await sleep(Math.max(0, work + offset));
    const { status } = await person.ask(`/api/tasks/${taskId}/cancel`);
    expect([200, 202, 409]).toContain(status);
  }
  for (const taskId of tasks) await person.when(taskId, ({ status }) => TERMINAL.includes(status), 60);
  const ends = await query(
    `SELECT task_id FROM task_events WHERE task_id = ANY($1) AND type = 'task.status' AND payload->>'status' IN ('COMPLETED', 'FAILED', 'CANCELLED')`,
    [tasks],
  );
  expect(ends).toHaveLength(tasks.length);
}, 400_000);

test('F23 pauses swept over the end of a phase: the task rests or goes on, and completes once resumed', async () => {
  for (let offset = 0; offset <= 2000; offset += 400) {
    const taskId = await person.start(SHORT);
    await person.working(taskId, 'optimizer');
    await sleep(offset);
    const { status } = await person.ask(`/api/tasks/${taskId}/pause`);
    expect(status).toBeLessThan(300);
    await person.when(taskId, (task) => task.status === 'SUSPENDED' && task.controlState === 'none', 30);
    expect((await person.ask(`/api/tasks/${taskId}/resume`)).status).toBeLessThan(300);
    await person.completed(taskId);
  }
}, 400_000);

test('F23 a start races the deletion of its data set: refused, or carried out; never half', async () => {
  const dataset = await person.client.upload(Buffer.from('text,label\na b,x\n'), {
    name: 'raced',
    datasetType: 'training',
  });
  const task = await person.client.must('/api/tasks/standard', {
    ...SHORT,
    taskName: 'raced',
    datasetId: dataset.datasetId,
  });
  const [start, removal] = await Promise.all([
    person.client.post(`/api/tasks/${task.taskId}/start`),
    person.client.request('DELETE', `/api/datasets/${dataset.datasetId}`),
  ]);
  expect([200, 202, 404, 409, 422]).toContain(start.status);
  expect([200, 204, 409]).toContain(removal.status);
  if (start.status < 300) await person.when(task.taskId, ({ status }) => TERMINAL.includes(status), 90);
});

test.each(PHASES)(
  'F24 paused while the %s works: at rest soon and its process gone; after a full restart and a resume the result is the same',
  async (service) => {
    const taskId = await person.start(LONG);
    await person.working(taskId, service);
    const pausedAt = Date.now();
    expect((await person.ask(`/api/tasks/${taskId}/pause`)).status).toBeLessThan(300);
    await person.when(taskId, (task) => task.status === 'SUSPENDED' && task.controlState === 'none', 30);
    const rest = (await enteredAt(taskId, 'SUSPENDED')) - pausedAt;
    figure(`paused while the ${service} works, to its rest`, rest);
    expect(rest).toBeLessThan(5000);
    expect(jobs(service).filter((job) => job.taskId === taskId && ['queued', 'running'].includes(job.state))).toEqual(
      [],
    );
    await Promise.all(PROCESSES.map((name) => kill(name)));
    await sleep(3000);
    expect((await person.ask(`/api/tasks/${taskId}/resume`)).status).toBeLessThan(300);
    await person.completed(taskId);
    expect(await resultOf(taskId)).toEqual(reference);
  },
);

test('F24 a task that rests writes no history, not even when everything is started again', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await person.ask(`/api/tasks/${taskId}/pause`);
  await person.when(taskId, (task) => task.status === 'SUSPENDED' && task.controlState === 'none', 30);
  await sleep(1000);
  const length = await historyLength(taskId);
  await sleep(5000);
  expect(await historyLength(taskId)).toBe(length);
  for (const name of ['worker', 'temporal', 'trainer', 'api'] as const) await restart(name);
  await sleep(5000);
  expect(await historyLength(taskId)).toBe(length);
  await person.ask(`/api/tasks/${taskId}/cancel`);
  await person.when(taskId, ({ status }) => status === 'CANCELLED', 30);
  expect(await historyLength(taskId)).toBeGreaterThan(length);
  expect(jobOf('trainer', taskId, 'training').state).not.toBe('running');
});
