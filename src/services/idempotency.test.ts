import { randomUUID } from 'node:crypto';
import { createDb, type Db } from '../db';
import { IdempotencyRepository } from '../repositories/idempotency-keys';
import { until } from '../testing/until';
import { IdempotencyService, type IdempotentCall } from './idempotency';

const MINUTE_MS = 60_000;
let db: Db;
let now = new Date();
beforeAll(() => {
  db = createDb(process.env.WLOPS_TEST_DATABASE_URL ?? '');
});
beforeEach(() => {
  now = new Date();
});
afterAll(() => db.$disconnect());

const later = (minutes: number): void => void (now = new Date(now.getTime() + minutes * MINUTE_MS));
const service = (touchEveryMs = 3_600_000) =>
  new IdempotencyService(new IdempotencyRepository(db), () => now, touchEveryMs);

/** A call that goes on until it is told to end, and the same call again with another answer. */
function call(key: string, body: string) {
  let end: (error?: Error) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => (end = (error) => (error ? reject(error) : resolve())));
  let started = false;
  const given: IdempotentCall = {
    userId: 1,
    key,
    carryOut: async (keep) => {
      started = true;
      await ended;
      const answer = { status: 201, body };
      await keep(db, 'same', answer);
      return answer;
    },
    fingerprintOfRepeat: () => Promise.resolve('same'),
  };
  return { given, end, started: () => until('the call to start', () => started) };
}

const row = (key: string) => db.idempotencyKey.findUnique({ where: { userId_key: { userId: 1, key } } });
const inProgress = { code: 'CONFLICT', message: expect.stringContaining('still being answered') };

test('a call that takes hours keeps its key', async () => {
  const key = randomUUID();
  const [first, repeat] = [call(key, 'first'), call(key, 'repeat')];
  const answer = service(10).answer(first.given);
  await first.started();
  later(11);
  await until('the key to be touched', async () => (await row(key))?.touchedAt.getTime() === now.getTime());
  await expect(service().answer(repeat.given)).rejects.toMatchObject(inProgress);
  first.end();
  expect(await answer).toEqual({ status: 201, body: 'first', replayed: false });
});

test('the key of a call that died is taken over, and the dead one, should it come back, creates nothing', async () => {
  for (const outcome of [undefined, new Error('failed')]) {
    const key = randomUUID();
    const [dead, heir] = [call(key, 'dead'), call(key, 'heir')];
    const late = service().answer(dead.given);
    await dead.started();
    later(11);
    const answer = service().answer(heir.given);
    await heir.started();
    dead.end(outcome);
    await expect(late).rejects.toMatchObject(outcome ?? inProgress);
    expect(await row(key)).toMatchObject({ status: null });
    heir.end();
    await answer;
    expect(await row(key)).toMatchObject({ status: 201, body: 'heir' });
  }
});

test('the key of a call that died is free again within a minute, and not at once', async () => {
  const key = randomUUID();
  const [dead, early, heir] = [call(key, 'dead'), call(key, 'early'), call(key, 'heir')];
  const late = service().answer(dead.given);
  await dead.started();
  later(0.5);
  await expect(service().answer(early.given)).rejects.toMatchObject(inProgress);
  later(0.5);
  heir.end();
  expect(await service().answer(heir.given)).toMatchObject({ body: 'heir' });
  dead.end();
  await expect(late).rejects.toMatchObject(inProgress);
});

test('a call whose key was taken over does not keep it from being taken over again', async () => {
  const key = randomUUID();
  const dead = call(key, 'dead');
  const keys = new IdempotencyRepository(db);
  const touch = jest.spyOn(keys, 'touch');
  const late = new IdempotencyService(keys, () => now, 10).answer(dead.given);
  await dead.started();
  await db.idempotencyKey.update({
    where: { userId_key: { userId: 1, key } },
    data: { claimToken: randomUUID(), touchedAt: new Date(0) },
  });
  const touches = touch.mock.results.length;
  await until('it to say that it is at work', () => touch.mock.results.length > touches);
  await touch.mock.results.at(-1)?.value;
  expect((await row(key))?.touchedAt).toEqual(new Date(0));
  dead.end();
  await expect(late).rejects.toMatchObject(inProgress);
});

test('a call that failed gives its key back', async () => {
  const key = randomUUID();
  const failing = call(key, 'x');
  failing.end(new Error('failed'));
  await expect(service().answer(failing.given)).rejects.toThrow('failed');
  expect(await row(key)).toBeNull();
});

test('a call that fails after its answer was kept, as when the end of a transaction is in doubt, leaves the answer', async () => {
  const key = randomUUID();
  const done = call(key, 'x');
  done.end();
  const inDoubt: IdempotentCall = {
    ...done.given,
    carryOut: async (keep) => {
      await done.given.carryOut(keep);
      throw new Error('the connection broke');
    },
  };
  await expect(service().answer(inDoubt)).rejects.toThrow('broke');
  expect(await service().answer(done.given)).toMatchObject({ status: 201, body: 'x', replayed: true });
});

test('a key is forgotten after a week, once its user brings another one, and no sooner', async () => {
  const [old, other] = [call(randomUUID(), 'first'), call(randomUUID(), 'other')];
  old.end();
  other.end();
  await service().answer(old.given);
  later(7 * 24 * 60 - 1);
  expect(await service().answer(old.given)).toMatchObject({ replayed: true });
  later(2);
  await service().answer(other.given);
  expect(await row(old.given.key)).toBeNull();
});
