import { UploadSlots } from './upload-slots';

test('no more than the slots run at once, and waiting ones follow in order', async () => {
  const slots = new UploadSlots(2, 5_000);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    [0, 1, 2, 3, 4].map(async (number) => {
      const release = await slots.take();
      order.push(number);
      most = Math.max(most, (running += 1));
      await new Promise(setImmediate);
      running -= 1;
      release();
      release(); // Giving back twice makes no slot out of nothing.
    }),
  );
  expect([order, most]).toEqual([[0, 1, 2, 3, 4], 2]);
});

test('who waits too long is told to come back, and its place is not given away to it later', async () => {
  const slots = new UploadSlots(1, 20);
  const release = await slots.take();
  await expect(slots.take()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 10 });
  release();
  (await slots.take())();
});
