/** What the login routes take and answer. */
import { z } from 'zod';
import { role, userSchema } from '../users/schemas';
import { text } from '../validation';

const email = z.preprocess(
  (value) => (typeof value === 'string' ? value.trim() : value),
  z.email('must be an e-mail address').max(254),
);
/** The upper end bounds the work of hashing. */
const newPassword = z.string().min(8, 'must have at least 8 characters').max(200, 'must have at most 200 characters');

export const registerBody = z.strictObject({ email, password: newPassword, displayName: text(100).nullish() });
export const loginBody = z.strictObject({ email: z.string().min(1).max(254), password: z.string().min(1).max(200) });
export const refreshBody = z.strictObject({ refreshToken: z.string().min(1).max(200) });
export const logoutBody = z.strictObject({ refreshToken: z.string().min(1).max(200).optional() });

export const tokensSchema = z.strictObject({
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresInSeconds: z.number().int(),
  user: z.strictObject({ userId: z.number().int(), email: z.string(), role }),
});

export { userSchema };
