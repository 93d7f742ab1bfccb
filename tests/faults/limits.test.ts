/** Descriptors and disk run short under work: it fails with a clear word or waits, and goes on by itself when there is enough again. */
import http from 'node:http';
import { smallFile } from '../../tools/faults/small-file.cjs';
import { stackProcess } from '../system/support/client';
import { isBack, sleep } from './support/faults';
import { lower, NO_MORE_FILES, NO_SPACE, raise } from './support/limits';
import { faultTests, person, reference } from './support/setup';
import { figure, LONG, query, resultOf } from './support/world';

faultTests({ withReference: true });
afterEach(raise);

const SHORTAGE_MS = 10_000;
/** Longer than the longest wait between two tries. */
const RECOVERED_SECONDS = 240;

/** What a client with a connection of its own is answered: a status, or none where the connection was refused or broken. */
function statusOnNewConnection(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    http
      .get(url, { agent: false, timeout: 5000 }, (reply) => resolve(reply.resume().statusCode))
      .on('timeout', function (this: http.ClientRequest) {
        this.destroy();
      })
      .on('error', () => resolve(undefined));
  });
}

test('F21 API without descriptors: nobody is answered 500, the task works on, and the same process answers when there are some', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  const { pid } = stackProcess('api');
  lower('api', 'nofile', NO_MORE_FILES);
  const statuses: (number | undefined)[] = [];
  for (const until = Date.now() + SHORTAGE_MS; Date.now() < until; await sleep(500)) {
    statuses.push((await person.client.get(`/api/tasks/${taskId}`).catch(() => undefined))?.status);
    statuses.push(await statusOnNewConnection(`${stackProcess('api').url}/api/tasks/${taskId}`));
  }
  raise();
  // A new connection is closed, and not held, until an idle one has made room for it.
  expect(statuses).toContain(undefined);
  const known = [undefined, 200, 401, 503];
  expect(statuses.filter((status) => !known.includes(status))).toEqual([]);
  expect(stackProcess('api').pid).toBe(pid);
  figure('API with descriptors again, ready', await isBack('api', Date.now()));
  await person.completed(taskId);
  expect(await resultOf(taskId)).toEqual(reference);
});

test.each([
  ['worker', 'trainer'],
  ['temporal', 'trainer'],
  ['s3', 'trainer'],
  ['trainer', 'trainer'],
  ['optimizer', 'optimizer'],
] as const)(
  'F21 %s without descriptors while the %s works: the task goes on when there are some',
  async (name, service) => {
    const taskId = await person.start(LONG);
    await person.working(taskId, service);
    lower(name, 'nofile', NO_MORE_FILES);
    await sleep(SHORTAGE_MS);
    raise();
    const raisedAt = Date.now();
    figure(`${name} with descriptors again, ready`, await isBack(name, raisedAt));
    await person.completed(taskId, RECOVERED_SECONDS);
    figure(`${name} with descriptors again, task completed`, Date.now() - raisedAt);
    expect(await resultOf(taskId)).toEqual(reference);
  },
  400_000,
);

test.each(['trainer', 'optimizer'] as const)(
  'F19 no space for the %s: its job is tried again, and the task goes on when there is some',
  async (service) => {
    const taskId = await person.start(LONG);
    await person.working(taskId, service);
    lower(service, 'fsize', NO_SPACE);
    await sleep(SHORTAGE_MS);
    raise();
    const raisedAt = Date.now();
    figure(`${service} with space again, ready`, await isBack(service, raisedAt));
    await person.completed(taskId, RECOVERED_SECONDS);
    figure(`${service} with space again, task completed`, Date.now() - raisedAt);
    expect(await resultOf(taskId)).toEqual(reference);
  },
  400_000,
);

test('F19 no space in the object store: uploads are refused with 503 and leave no row, and the task goes on when there is some', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  lower('s3', 'fsize', NO_SPACE);
  const name = `refused ${taskId}`;
  const refused = await person.client.upload(Buffer.from(smallFile()), { name, datasetType: 'training' }).then(
    () => 'taken',
    (error: Error) => error.message,
  );
  await sleep(SHORTAGE_MS);
  raise();
  const raisedAt = Date.now();
  expect(refused).toMatch(/→ 503/);
  expect(await query('SELECT 1 FROM datasets WHERE name = $1', [name])).toEqual([]);
  await person.client.upload(Buffer.from(smallFile()), { name, datasetType: 'training' });
  await person.completed(taskId, RECOVERED_SECONDS);
  figure('object store with space again, task completed', Date.now() - raisedAt);
  expect(await resultOf(taskId)).toEqual(reference);
}, 400_000);
