import net from 'node:net';
import { toAppError } from './http/errors';
import { createDb, type Db } from './db';

const LIMITS = { connections: 2, connectMs: 300, queryMs: 300 };

/** A way to the tests' database that can fall silent: connections stay, and nothing comes through. */
class Way {
  silent = false;
  private readonly sockets = new Set<net.Socket>();
  private readonly server: net.Server;

  constructor(target: { host: string; port: number }) {
    this.server = net.createServer((near) => {
      const far = net.connect(target);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
      }
      near.on('data', (bytes) => void (this.silent || far.write(bytes)));
      far.on('data', (bytes) => void (this.silent || near.write(bytes)));
      near.on('close', () => far.destroy());
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as net.AddressInfo).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

const QUERIES: [string, (db: Db) => Promise<unknown>][] = [
  ['a query', (db) => db.user.count()],
  ['raw SQL', (db) => db.$queryRaw`SELECT 1`],
  ['a transaction', (db) => db.$transaction((tx) => tx.user.count())],
];

test.each(QUERIES)(
  '%s of a database that falls silent fails in time, and succeeds once it speaks again',
  async (_, query) => {
    const url = new URL(process.env.WLOPS_TEST_DATABASE_URL ?? '');
    const way = new Way({ host: url.hostname, port: Number(url.port || 5432) });
    url.hostname = '127.0.0.1';
    url.port = String(await way.open());
    const db = createDb(url.toString(), LIMITS);
    try {
      await query(db);
      way.silent = true;
      // More than there are connections: what waits for one fails in time too.
      const started = performance.now();
      const faults = await Promise.all(
        Array.from({ length: 5 }, () => query(db).catch((error: unknown) => toAppError(error))),
      );
      expect(performance.now() - started).toBeLessThan(10_000);
      for (const fault of faults) expect(fault).toMatchObject({ code: 'SERVICE_UNAVAILABLE', status: 503 });
      way.silent = false;
      await expect(recovered(db, query)).resolves.toBe(true);
    } finally {
      await db.$disconnect();
      way.close();
    }
  },
);

/** Connections that were silent are given up one by one, at most one for each query. */
async function recovered(db: Db, query: (db: Db) => Promise<unknown>): Promise<boolean> {
  for (let tries = 0; tries <= LIMITS.connections; tries += 1) {
    const succeeded = await query(db).then(
      () => true,
      () => false,
    );
    if (succeeded) return true;
  }
  return false;
}
