/** Who a new thing belongs to. One rule for data sets and tasks. */
import type { Caller } from '../domain/access';
import { AppError, invalidField } from '../domain/errors';
import { mayActFor } from './access';

/** Finds a user; null when there is none. */
export interface UserLookup {
  findById(userId: number): Promise<unknown>;
}

/**
 * The owner of what `caller` creates for `userId`; null means for oneself. 403 for someone else's unless the caller is an
 * administrator, 422 for a user nobody is.
 */
export async function ownerFor(
  caller: Pick<Caller, 'userId' | 'role'>,
  userId: number | null,
  users: UserLookup,
): Promise<number> {
  if (userId === null || userId === caller.userId) return caller.userId;
  if (!mayActFor(caller, userId))
    throw new AppError('FORBIDDEN', 'userId: must be your own', { details: { field: 'userId' } });
  if (!(await users.findById(userId))) throw invalidField('userId', 'there is no such user');
  return userId;
}
