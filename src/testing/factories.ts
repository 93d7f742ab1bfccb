/** Rows with every required parent, unless overridden, so that a test states only what matters to it. */
import { randomUUID } from 'node:crypto';
import type { Db } from '../db';
import type { Role } from '../domain/access';
import type { Prisma } from '../generated/prisma/client';
import type { DatasetRow } from '../repositories/datasets';
import type { TaskRow } from '../repositories/tasks';
import { hashPassword } from '../services/accounts/passwords';
import { AccessTokens } from '../services/accounts/tokens';
import { newPublicId } from '../services/public-ids';
import type { ApiClient } from './api-client';
import { JWT_SECRET, type TestApp } from './app';

export const PASSWORD = 'correct horse battery';
let passwordHash: Promise<string> | undefined;

/** Someone who is logged in. */
export interface Person {
  userId: number;
  email: string;
  token: string;
  sessionId: string;
  client: ApiClient;
}

export async function createPerson(app: TestApp, role: Role = 'USER'): Promise<Person> {
  passwordHash ??= hashPassword(PASSWORD);
  const email = `${role.toLowerCase()}-${randomUUID()}@example.org`;
  const user = await app.db.user.create({ data: { email, role, passwordHash: await passwordHash } });
  const sessionId = randomUUID();
  await app.db.session.create({ data: { sessionId, userId: user.id } });
  const claims = { userId: user.id, sessionId, tokenVersion: user.tokenVersion };
  const token = new AccessTokens(JWT_SECRET, 900).sign(claims, new Date());
  return { userId: user.id, email, token, sessionId, client: app.anonymous.with(token) };
}

export function createDataset(
  db: Db,
  userId: number,
  overrides: Partial<Prisma.DatasetUncheckedCreateInput> = {},
): Promise<DatasetRow> {
  const datasetId = newPublicId('dataset');
  return db.dataset.create({
    data: {
      datasetId,
      userId,
      name: 'questions',
      datasetType: 'training',
      storagePath: `datasets/${userId}/${datasetId}/raw`,
      fileSize: 100n,
      sampleCount: 10,
      sha256: 'ab'.repeat(32),
      ...overrides,
    },
  });
}

/** A CONTINUOUS task, PENDING, with a training data set of the same user. */
export async function createTask(
  db: Db,
  userId: number,
  overrides: Partial<Prisma.MlTaskUncheckedCreateInput> = {},
): Promise<TaskRow> {
  const datasetId = overrides.datasetId ?? (await createDataset(db, userId)).datasetId;
  return db.mlTask.create({
    data: {
      taskId: newPublicId('task'),
      taskName: 'intents',
      taskMode: 'CONTINUOUS',
      modelName: 'builtin:classifier',
      maxIterations: 5,
      performanceThreshold: 0.9,
      seed: 1,
      userId,
      ...overrides,
      datasetId,
    },
  });
}
