/** A user, a data set and a task as the API would have left them, for tests below the API. */
import { randomBytes } from 'node:crypto';
import type { TaskMode } from '../contracts/task-workflow';
import { createDb, type Db } from '../db';
import type { MlTask } from '../generated/prisma/client';

/** Connects to the tests' database. Disconnect in `afterAll`. */
export function openTestDatabase(): Db {
  const url = process.env.WLOPS_TEST_DATABASE_URL;
  if (!url) throw new Error('WLOPS_TEST_DATABASE_URL is not set; jest sets it in src/testing/global-setup.cjs');
  return createDb(url);
}

/** Writes a task's row with its parents. Fields may be overridden. */
export async function createTaskRow(
  db: Db,
  overrides: Partial<MlTask> & { taskMode?: TaskMode } = {},
): Promise<MlTask> {
  const id = randomBytes(6).toString('hex');
  const user = await db.user.create({ data: { email: `${id}@example.org`, passwordHash: 'none' } });
  await db.dataset.create({
    data: {
      datasetId: `dataset_${id}`,
      name: 'rows',
      datasetType: 'training',
      storagePath: `datasets/${user.id}/dataset_${id}/raw`,
      fileSize: 10n,
      sha256: 'a'.repeat(64),
      domain: 'math',
      userId: user.id,
    },
  });
  return db.mlTask.create({
    data: {
      taskId: `task_${id}`,
      taskName: 'a task',
      taskMode: 'STANDARD',
      modelName: 'builtin:classifier',
      datasetId: `dataset_${id}`,
      userId: user.id,
      maxIterations: 1,
      seed: 1,
      ...(overrides as object),
    },
  });
}
