/** People's wishes race each other, the end of the work, and faults. */
import { waitFor } from '../system/support/client';
import { jobProcesses, kill, PROCESSES, restart, sleep, type Service } from './support/faults';
import { until } from '../../src/testing/until';
import { historyLength } from './support/history';
import { faultTests, person, reference } from './support/setup';
import { enteredAt, figure, jobOf, jobs, LONG, query, resultOf, SHORT, VERY_LONG } from './support/world';

faultTests({ withReference: true });

const TERMINAL = ['COMPLETED', 'FAILED', 'CANCELLED'];
const PHASES: [Service][] = [['optimizer'], ['trainer'], ['evaluator']];
const PHASE_OF = { optimizer: 'optimization', trainer: 'training', evaluator: 'evaluation' } as const;
/** F24: the process of a job that is paused is gone, and with it its memory. Two seconds are wanted, which the bench measures. */
const GONE_MS = 5000;

const processesFor = (service: Service, jobId: string) =>
  jobProcesses(service).filter(({ folder }) => folder === jobId);

/** Looks often: what is measured is shorter than `waitFor` waits. */
async function goneIn(service: Service, jobId: string): Promise<void> {
  for (const until = Date.now() + 30_000; processesFor(service, jobId).length > 0; await sleep(20))
    if (Date.now() > until) throw new Error(`the process of ${jobId} is still there`);
}

test('F22 a thousand starts, two hundred at once: one workflow, one job of each phase, and every answer a success', async () => {
  // One that outlasts the answers: a task that has ended is not started.
  const { taskId } = await person.client.must('/api/tasks/standard', {
    ...VERY_LONG,
    taskName: 'many starts',
    datasetId: person.datasetId,
  });
  const from = Date.now();
  const statuses = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    const starts = Array.from({ length: 200 }, () => person.client.post(`/api/tasks/${taskId}/start`));
    for (const { status } of await Promise.all(starts)) statuses.add(status);
  }
  figure('a thousand starts, to the last answer', Date.now() - from);
  expect([...statuses].filter((status) => status !== 200 && status !== 202)).toEqual([]);
  await person.working(taskId, 'trainer');
  for (const service of ['optimizer', 'trainer'] as const)
    expect(jobs(service).filter((job) => job.taskId === taskId)).toHaveLength(1);
  await person.ask(`/api/tasks/${taskId}/cancel`);
  await person.when(taskId, ({ status }) => status === 'CANCELLED', 30);
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
  'F24 paused while the %s works: its process is gone and its slot free at once; after a full restart and a resume the result is the same',
  async (service) => {
    const taskId = await person.start(LONG);
    await person.working(taskId, service);
    const { jobId } = jobOf(service, taskId, PHASE_OF[service]);
    await waitFor('its process', 10, async () => processesFor(service, jobId)[0] ?? null);
    const pausedAt = Date.now();
    expect((await person.ask(`/api/tasks/${taskId}/pause`)).status).toBeLessThan(300);
    await goneIn(service, jobId);
    const gone = Date.now() - pausedAt;
    figure(`paused while the ${service} works, to the end of its process`, gone);
    expect(gone).toBeLessThan(GONE_MS);
    await person.when(taskId, (task) => task.status === 'SUSPENDED' && task.controlState === 'none', 30);
    const rest = (await enteredAt(taskId, 'SUSPENDED')) - pausedAt;
    figure(`paused while the ${service} works, to its rest`, rest);
    expect(rest).toBeLessThan(5000);
    expect(jobs(service).filter((job) => job.taskId === taskId && ['queued', 'running'].includes(job.state))).toEqual(
      [],
    );
    // The trainer has one slot: another task gets it while this one rests.
    const other = service === 'trainer' ? await person.start(SHORT) : undefined;
    if (other) await person.completed(other);
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
  // It goes on in another run, and waits there.
  await until('the run that waits', async () => (await historyLength(taskId)) < 10);
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
