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

export const userListQuery = z.strictObject(pageQuery);

export const userChangeBody = z
  .strictObject({ role: role.optional(), disabled: z.boolean().optional() })
  .refine((body) => Object.keys(body).length > 0, 'name role, disabled or both');
