/** Clients of all three services that reach one fake. */
import { PythonJobClient } from '../../activities/python-job-client';
import type { ServiceName } from '../contracts/jobs';
import { TEST_SERVICE_SECRET, type FakeJobService } from './fake-job-service';

/** Starts the fake. Close it in `afterEach`. */
export async function clientsOf(fake: FakeJobService): Promise<Record<ServiceName, PythonJobClient>> {
  const baseUrl = `http://127.0.0.1:${await fake.listen()}`;
  const client = (service: ServiceName) =>
    new PythonJobClient({ service, baseUrl, serviceSecret: TEST_SERVICE_SECRET });
  return { optimizer: client('optimizer'), trainer: client('trainer'), evaluator: client('evaluator') };
}
