/** What Temporal alone costs: three activities that do nothing, one after another. */
import { proxyActivities } from '@temporalio/workflow';

export const BARE_QUEUE = 'bench-bare';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '10s' });

export async function bare(): Promise<void> {
  await nothing();
  await nothing();
  await nothing();
}
