/** Rows of users → what leaves the API. Never the password hash. */
import type { z } from 'zod';
import type { UserRow } from '../../repositories/users';
import type { managedUserSchema, userSchema } from './schemas';

export function presentUser(row: UserRow): z.output<typeof userSchema> {
  const { id, email, displayName, role, createdAt } = row;
  return { userId: id, email, displayName, role, createdAt: createdAt.toISOString() };
}

export function presentManagedUser(row: UserRow): z.output<typeof managedUserSchema> {
  return { ...presentUser(row), disabled: row.disabledAt !== null };
}
