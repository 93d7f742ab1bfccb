import { gate } from '../testing/gate';
import { startMaintenanceWorkers } from '../testing/maintenance-worker';
import { openTestTemporal, type TestTemporal } from '../testing/temporal';
import { retentionReport, startRetention } from './retention';
import { lazyTemporalClient } from './connection';

let temporal: TestTemporal;
let endWorkers: () => Promise<void>;
const held = gate();
const passes: boolean[] = [];
beforeAll(async () => {
  temporal = await openTestTemporal();
  endWorkers = await startMaintenanceWorkers(temporal, {
    collectUnreachable: async ({ dryRun }: { dryRun: boolean }) => {
      passes.push(dryRun);
      if (dryRun) await held.opened;
      return { dryRun };
    },
  });
});
afterAll(async () => {
  held.open();
  await endWorkers?.();
  await temporal?.close();
});

test('a pass goes on over several questions, a second wish of its kind finds it, and the other kind is a pass of its own', async () => {
  const { client } = temporal;
  const dry = await startRetention(client, { dryRun: true });
  expect(await startRetention(client, { dryRun: true })).toBe(dry);
  const real = await startRetention(client, { dryRun: false });
  expect(await retentionReport(client, real)).toEqual({ dryRun: false });
  expect(await retentionReport(client, dry, 300)).toBeNull();
  held.open();
  expect(await retentionReport(client, dry)).toEqual({ dryRun: true });
  expect(passes.sort()).toEqual([false, true]);
  // The next wish is a new pass.
  expect(await startRetention(client, { dryRun: false })).not.toBe(real);
});

test('an id of no pass is missing, and with Temporal down the answer says so', async () => {
  const nobody = 'dry-run_11111111-2222-3333-4444-555555555555';
  await expect(retentionReport(temporal.client, nobody)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(retentionReport(temporal.client, 'dry-run_x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const down = lazyTemporalClient({ address: '127.0.0.1:9', namespace: 'default' });
  await expect(startRetention(down, { dryRun: true })).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  await down.connection.close();
});
