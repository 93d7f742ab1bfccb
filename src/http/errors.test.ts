import { toAppError } from './errors';

const prisma = (code: string, message: string) =>
  new Error(
    `\nInvalid \`db.session.findUnique()\` invocation\nDatabase error. Code: \`${code}\`. Message: \`${message}\``,
  );

test.each([
  ['57P03', 'the database system is starting up'],
  ['57P01', 'terminating connection due to administrator command'],
  ['53300', 'sorry, too many clients already'],
  ['08006', 'connection failure'],
])('a database that answers %s is one that is not available, and the reply says when to try again', (code, message) => {
  const error = toAppError(prisma(code, message));
  expect([error.code, error.status, error.retryAfterSeconds]).toEqual(['SERVICE_UNAVAILABLE', 503, 5]);
  expect(error.message).not.toContain(code);
});

test('any other fault of the database is ours, and nothing of it leaves', () => {
  const error = toAppError(prisma('42703', 'column "secret" does not exist'));
  expect([error.code, error.status]).toEqual(['INTERNAL', 500]);
  expect(error.message).not.toContain('secret');
});
