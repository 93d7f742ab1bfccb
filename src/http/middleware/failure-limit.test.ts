import { FailureLimit } from './failure-limit';

test('nothing is kept of keys at which nobody tries any more but the number of failures', async () => {
  const limit = new FailureLimit(1, 900);
  const { attempts } = limit as unknown as { attempts: Map<string, unknown> };
  const first = await limit.enter('a');
  const second = limit.enter('a');
  const other = await limit.enter('b');
  expect(attempts.size).toBe(2);
  await other(false);
  await first(true);
  await expect(second).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 900 });
  await expect(limit.enter('a')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  expect(attempts.size).toBe(0);
});

test('failures are forgotten when the window ends', async () => {
  jest.useFakeTimers();
  try {
    const limit = new FailureLimit(1, 900);
    await (
      await limit.enter('a')
    )(true);
    jest.setSystemTime(Date.now() + 901_000);
    await (
      await limit.enter('a')
    )(true);
    await expect(limit.enter('a')).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 900 });
  } finally {
    jest.useRealTimers();
  }
});
