import net from 'node:net';
import { createDb, type Db } from '../db';
import { until } from '../testing/until';
import { toAppError } from './errors';

/** A database that greets every connection with this fault, or with none and hangs up. */
async function databaseThatAnswers(code: string | null): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => (code === null ? socket.destroy() : socket.end(errorResponse(code))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** PostgreSQL's ErrorResponse. Source: its manual, "Message Formats". */
function errorResponse(code: string): Buffer {
  const fields = [`SFATAL`, `VFATAL`, `C${code}`, 'Mno secret may leave'].map((field) => `${field}\0`).join('');
  const body = Buffer.from(`${fields}\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const QUERIES: [string, (db: Db) => Promise<unknown>][] = [
  ['a query', (db) => db.user.findFirst()],
  ['raw SQL', (db) => db.$queryRaw`SELECT 1`],
  ['a transaction', (db) => db.$transaction((tx) => tx.user.findFirst())],
];

/** The fault of a query, as the error edge sees it. */
async function faultOf(code: string | null, query: (db: Db) => Promise<unknown>) {
  const server = await databaseThatAnswers(code);
  const db = createDb(`postgresql://wlops:x@127.0.0.1:${(server.address() as net.AddressInfo).port}/wlops`);
  try {
    return toAppError(
      await query(db).then(
        () => null,
        (error: unknown) => error,
      ),
    );
  } finally {
    await db.$disconnect();
    server.close();
  }
}

describe.each(QUERIES)('%s', (_name, query) => {
  test.each([
    ['starts', '57P03'],
    ['was told to stop', '57P01'],
    ['has no connection left', '53300'],
    ['failed to connect', '08006'],
    ['hangs up without a word', null],
  ])('answers 503 and when to try again while the database %s', async (_state, code) => {
    const error = await faultOf(code, query);
    expect([error.code, error.status, error.retryAfterSeconds]).toEqual(['SERVICE_UNAVAILABLE', 503, 5]);
    expect(error.message).not.toMatch(/57P0|53300|08006|secret|terminated/);
  });

  test('answers 500 where the fault is ours, and nothing of it leaves', async () => {
    const error = await faultOf('42703', query);
    expect([error.code, error.status]).toEqual(['INTERNAL', 500]);
    expect(error.message).not.toMatch(/42703|secret/);
  });
});

test.each(['ECONNREFUSED', 'EMFILE', 'P1001'])('a store whose driver says %s is one that is not available', (code) => {
  for (const error of [
    Object.assign(new Error('no'), { code }),
    new Error('no', { cause: Object.assign(new Error('why'), { code }) }),
  ]) {
    expect(toAppError(error)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 5 });
  }
});

test('a transaction whose connection ends in the middle is one that can be tried again', async () => {
  const db = createDb(process.env.WLOPS_TEST_DATABASE_URL ?? '');
  const transaction = db.$transaction(async (tx) => {
    const [own] = await tx.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
    await db.$queryRaw`SELECT pg_terminate_backend(${own?.pid}::int)`;
    const said = () => tx.$queryRaw`SELECT 1`.then(() => '').catch((error: Error) => error.message);
    await until('the driver to know of the loss', async () => (await said()).includes('is not queryable'));
    await tx.$queryRaw`SELECT 1`;
  });
  const fault = await transaction.catch((error: unknown) => error);
  await db.$disconnect();
  expect((fault as Error).message).toContain('is not queryable');
  expect(toAppError(fault)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', status: 503, retryAfterSeconds: 5 });
});
