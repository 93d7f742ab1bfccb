/** Timeouts and retry policies of the maintenance workflows, each with its reason. The next run of a schedule makes up for one that fails. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { MaintenanceActivities } from '../../activities/maintenance';
import { TASK_QUEUES } from '../../src/contracts/task-workflow';

/**
 * A sweep that finds nothing takes milliseconds, and there are thousands a day: as a local activity it leaves six events of history
 * in place of eleven. It gives up before long, for its schedule skips what would overlap.
 */
export const { sweepStartsInDoubt } = proxyLocalActivities<Pick<MaintenanceActivities, 'sweepStartsInDoubt'>>({
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '5m',
  retry: { initialInterval: '1s', maximumAttempts: 3 },
});

/** As long as stopping many jobs of a slow service may take; a heartbeat tells a worker that died much sooner. */
export const { reconcileRows, stopOrphanJobs, reviewWorkflows } = proxyActivities<
  Pick<MaintenanceActivities, 'reconcileRows' | 'stopOrphanJobs' | 'reviewWorkflows'>
>({
  taskQueue: TASK_QUEUES.main,
  startToCloseTimeout: '10m',
  scheduleToCloseTimeout: '20m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', maximumAttempts: 3 },
});

/** Hours, for a bucket of millions; what was done stays done, and a next attempt goes on from there. */
export const { collectUnreachable } = proxyActivities<Pick<MaintenanceActivities, 'collectUnreachable'>>({
  taskQueue: TASK_QUEUES.main,
  startToCloseTimeout: '12h',
  heartbeatTimeout: '2m',
  retry: { initialInterval: '1s', maximumInterval: '1m', maximumAttempts: 20 },
});
