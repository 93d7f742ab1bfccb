import { FakeJobService, reply, TEST_SERVICE_SECRET } from '../src/testing/fake-job-service';
import { JobOver, ServiceUnavailable } from './failures';
import { PythonJobClient } from './python-job-client';

const service = new FakeJobService();
let client: PythonJobClient;
beforeAll(async () => {
  const baseUrl = `http://127.0.0.1:${await service.listen()}/`;
  client = new PythonJobClient({ service: 'trainer', baseUrl, serviceSecret: TEST_SERVICE_SECRET });
});
afterAll(() => service.close());
afterEach(() => void (service.intercept = null));

const live = () => client.liveJobs(AbortSignal.timeout(5_000));

test('the live jobs are asked for by their own route, with a token, and over ones are not among them', async () => {
  const base = { iteration: 0, segment: 0, seed: 1, outputPrefix: 'models/t/0/s0/' };
  const states = ['queued', 'running', 'succeeded', 'cancelled'] as const;
  for (const state of states) {
    service.onSubmit = (job) => ({ ...job, state });
    await client.submit({ ...base, jobKey: `${state}/0/training/0`, taskId: state }, AbortSignal.timeout(5_000));
  }
  const asked: string[] = [];
  service.intercept = ({ method, url }) => (asked.push(`${method} ${url}`), false);
  expect((await live()).map(({ taskId, state }) => [taskId, state])).toEqual([
    ['queued', 'queued'],
    ['running', 'running'],
  ]);
  expect(asked).toEqual(['GET /api/v1/train?live=true']);
  expect(service.tokens.at(-1)?.aud).toBe('wlops-trainer');
});

test('what is no such list is refused, and a service without the route counts as unavailable or says why', async () => {
  service.intercept = (_, response) => (reply(response, 200, { items: [{ jobId: 'x' }] }), true);
  await expect(live()).rejects.toMatchObject({ error: { code: 'INVALID_JOB_RESULT' } });
  service.intercept = (_, response) => (reply(response, 404, { detail: 'Not Found' }), true);
  await expect(live()).rejects.toBeInstanceOf(ServiceUnavailable);
  service.intercept = (_, response) => (reply(response, 405, { detail: 'Method Not Allowed' }), true);
  await expect(live()).rejects.toBeInstanceOf(JobOver);
});
