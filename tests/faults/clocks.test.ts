/** The clock of a process is set to another time under work, forwards and back; what measures time goes on as it did. */
import { waitFor } from '../system/support/client';
import { kill, isBack, sleep } from './support/faults';
import { setClocks } from './support/clocks';
import { faultTests, person, reference } from './support/setup';
import { LONG, Person, query, resultOf } from './support/world';

const HOUR_MS = 3_600_000;

faultTests({ withReference: true });
afterEach(() => setClocks({}));

/** Somebody new. The first upload after a jump may be refused with 503: the object store's clock is learned from its answer. */
const somebody = (): Promise<Person> =>
  waitFor('a new user with data', 20, () =>
    Person.create().catch((error: Error) => (/→ 503/.test(error.message) ? null : Promise.reject(error))),
  );

/** When the API says that it gave a token, milliseconds since 1970. */
function givenAt({ client }: Person): number {
  const [, claims = ''] = (client as unknown as { token: string }).token.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iat: number }).iat * 1000;
}

/** No event of a task is out of order, whatever the time that stands beside it. */
async function eventsInOrder(taskId: string): Promise<void> {
  const rows = await query('SELECT seq FROM task_events WHERE task_id = $1 ORDER BY id', [taskId]);
  expect(rows.map(({ seq }) => seq as number)).toEqual(rows.map(({ seq }) => seq as number).sort((a, b) => a - b));
}

test.each([
  ['an hour forwards', HOUR_MS],
  ['an hour back', -HOUR_MS],
])(
  'F31 clock of the API %s: people log in and work, and a running task is not touched',
  async (_which, offset) => {
    const running = await person.start(LONG);
    await person.working(running, 'trainer');
    await setClocks({ api: offset });
    const other = await somebody();
    expect(Math.abs(givenAt(other) - Date.now() - offset)).toBeLessThan(30_000);
    const before = await person.client.get(`/api/tasks/${running}`);
    // It lives for a quarter of an hour.
    expect(before.status).toBe(offset > 0 ? 401 : 200);
    const theirs = await other.start(LONG);
    await other.working(theirs, 'trainer');
    await setClocks({});
    const after = await other.client.get(`/api/tasks/${theirs}`);
    // For a clock that was set right it is one of an hour hence, or ago.
    expect(after.status).toBe(offset > 0 ? 200 : 401);
    await somebody();
    await person.completed(running);
    await eventsInOrder(running);
    expect(await resultOf(running)).toEqual(reference);
  },
  300_000,
);

test.each([
  ['an hour forwards', HOUR_MS],
  ['an hour back', -HOUR_MS],
])(
  'F31 clock of the worker %s while a training runs, for ten seconds: the task goes on to the same result',
  async (_which, offset) => {
    const taskId = await person.start(LONG);
    await person.working(taskId, 'trainer');
    await setClocks({ worker: offset });
    await sleep(10_000);
    await setClocks({});
    await person.completed(taskId, 240);
    await eventsInOrder(taskId);
    expect(await resultOf(taskId)).toEqual(reference);
  },
  400_000,
);

test('F31 worker started with a clock that is an hour ahead, and set right later: the task goes on to the same result', async () => {
  const taskId = await person.start(LONG);
  await person.working(taskId, 'trainer');
  await setClocks({ worker: HOUR_MS });
  await isBack('worker', await kill('worker'));
  await sleep(5000);
  await setClocks({});
  await person.completed(taskId, 240);
  await eventsInOrder(taskId);
  expect(await resultOf(taskId)).toEqual(reference);
}, 400_000);
