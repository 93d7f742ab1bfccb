import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { openTestTemporal, type TestTemporal } from '../testing/temporal';
import { lazyTemporalClient } from './connection';
import { callTemporal } from './deadline';

/** Beside the deadline of a call, which is 8 s. */
const SOON_MS = 3_000;

/** A port that nobody listens on. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await openTestTemporal();
});
afterAll(() => temporal?.close());

test('a server that is away is told soon, long before the deadline of the call', async () => {
  const client = lazyTemporalClient({ address: `127.0.0.1:${await deadPort()}`, namespace: 'default' });
  const startedAt = Date.now();
  const call = () => client.workflow.getHandle('wlops-task-x').describe();
  await expect(callTemporal(client, call)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 5 });
  expect(Date.now() - startedAt).toBeLessThan(SOON_MS);
  await client.connection.close();
});

test('a slow answer of a server that is there is waited for', async () => {
  const slow = () => new Promise<string>((resolve) => setTimeout(() => resolve('late'), SOON_MS));
  expect(await callTemporal(temporal.client, slow)).toBe('late');
});

test('what a server that is there answers passes: a missing workflow is missing, not away', async () => {
  const call = () => temporal.client.workflow.getHandle('wlops-task-nobody').describe();
  await expect(callTemporal(temporal.client, call)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
