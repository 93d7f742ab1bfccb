/** Writes one change of a task to the database. */
import type { TaskChange } from '../src/contracts/task-record';
import type { TaskRecordRepository } from '../src/repositories/task-records';
import { toFailure } from './failures';

/**
 * Writes the change; repeating it changes nothing. A database that is down is retried, a change the row refuses is not. `sizeOf` is for
 * data sets of histories whose jobs did not tell their size.
 */
export async function recordTask(
  records: TaskRecordRepository,
  sizeOf: (key: string) => Promise<number>,
  change: TaskChange,
): Promise<void> {
  try {
    const sizes = await Promise.all(
      change.datasets.map(
        async ({ storagePath, bytes }) => [storagePath, bytes ?? (await sizeOf(storagePath))] as const,
      ),
    );
    await records.apply(change, new Map(sizes));
  } catch (error) {
    throw toFailure(error);
  }
}
