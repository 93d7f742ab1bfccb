import { z } from 'zod';
import { toAppError } from './errors';

function told(schema: z.ZodType, value: unknown) {
  const { message, details } = toAppError(schema.safeParse(value).error);
  return { message, fields: (details as { fields: object[] }).fields };
}

test('of one field the last fault is told, of the whole all of them', () => {
  const schema = z
    .object({ name: z.string().min(3, 'is short').regex(/^a/, 'begins wrongly') })
    .refine(() => false, { error: 'is too much', when: () => true })
    .refine(() => false, { error: 'is too late', when: () => true });
  expect(told(schema, { name: 'x' })).toEqual({
    message: expect.stringMatching(/^name: .* \(and 2 more\)$/),
    fields: [
      { field: 'name', message: 'begins wrongly' },
      { field: '', message: 'is too much' },
      { field: '', message: 'is too late' },
    ],
  });
});

test('of very many faults all are counted, and the first named', () => {
  const { message, fields } = told(z.array(z.number()), Array<string>(200).fill('x'));
  expect(message).toMatch(/^0: .* \(and 199 more\)$/);
  expect(fields).toHaveLength(50);
});
