/** Schemas and checks that all routes share. */
import { z } from 'zod';

const KINDS: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** What zod says where a schema says nothing itself, in the words of a form. Give it to `parse` as `error`. */
export const issueWording: z.core.$ZodErrorMap = (issue) => {
  const { code } = issue;
  if ((code === 'invalid_type' || code === 'invalid_value') && issue.input === undefined) return 'is required';
  if (code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (code === 'invalid_value')
    return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
  if (code === 'too_small' && isNumeric(issue.origin))
    return `must be ${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}`;
  if (code === 'too_big' && isNumeric(issue.origin))
    return `must be ${issue.inclusive ? 'at most' : 'below'} ${issue.maximum}`;
  return undefined;
};

const isNumeric = (origin: string): boolean => origin === 'number' || origin === 'int';

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
