/** Timeouts and retry policies of the maintenance workflows, each with its reason. The next run of a schedule makes up for one that fails. */
import { proxyLocalActivities } from '@temporalio/workflow';
import type { MaintenanceActivities } from '../../activities/maintenance';

/**
 * A sweep that finds nothing takes milliseconds, and there are thousands a day: as a local activity it leaves six events of history
 * in place of eleven. It gives up before long, for its schedule skips what would overlap.
 */
export const { sweepStartsInDoubt } = proxyLocalActivities<Pick<MaintenanceActivities, 'sweepStartsInDoubt'>>({
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '5m',
  retry: { initialInterval: '1s', maximumAttempts: 3 },
});
