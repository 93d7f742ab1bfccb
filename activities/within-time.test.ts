import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FakeJobService, TEST_SERVICE_SECRET } from '../src/testing/fake-job-service';
import { PythonJobClient } from './python-job-client';
import { withinTime } from './within-time';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const NEVER = new AbortController().signal;

test('what ends in time is answered, what fails fails with its own error', async () => {
  await expect(withinTime(1_000, NEVER, async () => 'done')).resolves.toBe('done');
  await expect(withinTime(1_000, NEVER, () => Promise.reject(new Error('its own')))).rejects.toThrow('its own');
});

test('who waited for too long is told so, who was called off for what reason', async () => {
  const waiting = (signal: AbortSignal) => sleep(60_000, undefined, { signal });
  await expect(withinTime(20, NEVER, waiting)).rejects.toMatchObject({ cause: { name: 'TimeoutError' } });
  const stop = new AbortController();
  const stopped = withinTime(60_000, stop.signal, waiting);
  stop.abort(new Error('called off'));
  await expect(stopped).rejects.toMatchObject({ cause: { message: 'called off' } });
});

test('a request to a service that stands still ends in time, also when garbage is collected meanwhile', async () => {
  const service = new FakeJobService();
  service.intercept = () => true;
  const baseUrl = `http://127.0.0.1:${await service.listen()}`;
  const client = new PythonJobClient({
    service: 'trainer',
    baseUrl,
    serviceSecret: TEST_SERVICE_SECRET,
    requestTimeoutMs: 500,
  });
  const collecting = setInterval(collectGarbage, 20);
  try {
    await expect(client.status('task_a/0/training/0', NEVER)).rejects.toThrow('no answer in time');
  } finally {
    clearInterval(collecting);
    await service.close();
  }
});
