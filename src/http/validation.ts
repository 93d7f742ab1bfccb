/** Schemas and checks that all routes share. */
import { z } from 'zod';

/** Text of 1 to `max` characters that PostgreSQL can hold: no NUL, no half of a surrogate pair. */
export function text(max: number) {
  return z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(max, `must have at most ${max} characters`)
    .refine((value) => !/\0|\p{Surrogate}/u.test(value), 'holds characters that cannot be stored');
}

/** A public id. What cannot be one becomes the id that nobody has, and answers as missing. */
export const publicId = z.string().transform((value) => (/^[\w-]{1,128}$/.test(value) ? value : ''));

/** ISO 8601 in UTC. */
export const timestamp = z.iso.datetime();

/** One page of a list: `limit` at most 100, `cursor` as the page before gave it. */
export const pageQuery = {
  limit: z.coerce
    .number('must be a whole number from 1 to 100')
    .int('must be a whole number from 1 to 100')
    .min(1, 'must be a whole number from 1 to 100')
    .max(100, 'must be a whole number from 1 to 100')
    .default(50),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, 'is not a cursor of ours')
    .transform((value, context) => {
      const id = Buffer.from(value, 'base64url').toString('latin1');
      if (/^[1-9]\d{0,18}$/.test(id) && BigInt(id) <= 9223372036854775807n) return BigInt(id);
      context.addIssue({ code: 'custom', message: 'is not a cursor of ours' });
      return z.NEVER;
    })
    .optional(),
};

/** The cursor of the next page, as text. */
export function cursorText(id: bigint | null): string | null {
  return id === null ? null : Buffer.from(String(id), 'latin1').toString('base64url');
}

/** The schema of one page of `item`. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** A JSON reviver that refuses the key by which an object's prototype could be replaced. */
export function refuseProtoKey(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new SyntaxError('the key __proto__ is not allowed');
  return value;
}
