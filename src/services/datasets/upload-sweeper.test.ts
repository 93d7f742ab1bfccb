import { sweepUploadsUntil } from './upload-sweeper';

test('a sweep that fails is logged and tried again; it only takes uploads that are a day old', async () => {
  const ended = new AbortController();
  const logger = { info: jest.fn(), warn: jest.fn() };
  const sweepUploads = jest
    .fn<Promise<number>, [string, Date]>()
    .mockRejectedValueOnce(new Error('the store refuses'))
    .mockResolvedValueOnce(2)
    .mockImplementationOnce(async () => (ended.abort(), 0));
  const clock = () => new Date('2030-01-02T12:00:00Z');
  await sweepUploadsUntil(ended.signal, { store: { sweepUploads }, logger, clock, everyMs: 1 });
  expect(sweepUploads).toHaveBeenCalledTimes(3);
  expect(sweepUploads).toHaveBeenLastCalledWith('datasets/', new Date('2030-01-01T12:00:00Z'));
  expect(logger.warn).toHaveBeenCalledTimes(1);
  expect(logger.info).toHaveBeenCalledWith({ swept: 2 }, expect.any(String));
});
