/** What the user routes take and answer. */
import { z } from 'zod';
import { ROLES } from '../../domain/access';
import { pageQuery, timestamp } from '../validation';

export const role = z.enum(ROLES);

export const userSchema = z.strictObject({
  userId: z.number().int(),
  email: z.string(),
  displayName: z.string().nullable(),
  role,
  createdAt: timestamp,
});

/** What administrators see in addition. */
export const managedUserSchema = userSchema.extend({ disabled: z.boolean() });

export const userParams = z.object({ userId: z.string().max(20) });

const MAX_USER_ID = 2_147_483_647n;

export const userListQuery = z.strictObject({
  ...pageQuery,
  cursor: pageQuery.cursor.refine((id) => id === undefined || id <= MAX_USER_ID, 'is not a cursor of ours'),
});

export const userChangeBody = z
  .strictObject({ role: role.optional(), disabled: z.boolean().optional() })
  .refine((body) => Object.keys(body).length > 0, 'name role, disabled or both');
