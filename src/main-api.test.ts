/** The process itself: started from source as users start it, over the tests' real servers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { taskWorkflowId } from './contracts/task-workflow';
import { createDb } from './db';
import { createTaskRow } from './testing/database-task';
import { createOwnDatabase, type OwnDatabase } from './testing/own-database';
import { startTestS3, type TestS3 } from './testing/s3';
import { openTestTemporal } from './testing/temporal';
import { until } from './testing/until';

const ROOT = path.resolve(__dirname, '..');
const ADMIN = { email: 'first-admin@example.org', password: 'a-long-password-1' };

let s3: TestS3;
/** An API starts what is in doubt in its database: other suites have such starts in theirs. */
let database: OwnDatabase;
beforeAll(async () => {
  [s3, database] = await Promise.all([startTestS3(), createOwnDatabase()]);
});
afterAll(async () => {
  await database.drop();
  await s3.stop();
});

interface Running {
  child: ChildProcess;
  output(): string;
  exit: Promise<number | null>;
}

function start(variables: Record<string, string>): Running {
  const child = spawn(process.execPath, [require.resolve('tsx/cli'), 'src/main-api.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      NODE_NO_WARNINGS: '1',
      DATABASE_URL: database.url,
      S3_ENDPOINT: s3.options.endpoint,
      S3_ACCESS_KEY_ID: s3.options.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.options.secretAccessKey,
      TEMPORAL_ADDRESS: process.env.WLOPS_TEST_TEMPORAL_ADDRESS,
      WLOPS_JWT_SECRET: 'j'.repeat(32),
      WLOPS_SERVICE_SECRET: 's'.repeat(32),
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  return { child, output: () => text, exit };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('becomes ready, makes bucket and first administrator, and drains on SIGTERM', async () => {
  const port = await freePort();
  const admin = { WLOPS_ADMIN_EMAIL: ADMIN.email, WLOPS_ADMIN_PASSWORD: ADMIN.password };
  const api = start({ WLOPS_API_PORT: String(port), ...admin });
  try {
    const url = `http://127.0.0.1:${port}`;
    await until('the API to be ready', () => {
      if (api.child.exitCode !== null) throw new Error(api.output());
      return fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
      ready: true,
      checks: { start: 'ok', database: 'ok', objectStore: 'ok', temporal: 'ok' },
    });
    expect(api.output()).not.toContain(ADMIN.password);
  } finally {
    api.child.kill('SIGTERM');
  }
  expect(await api.exit).toBe(0);
  expect(api.output()).toContain('API has ended');
});

test('while a store is away it tells that it is starting, and why, in place of a refused connection', async () => {
  const port = await freePort();
  const away = `127.0.0.1:${await freePort()}`;
  const api = start({ WLOPS_API_PORT: String(port), DATABASE_URL: `postgresql://nobody@${away}/none` });
  try {
    const url = `http://127.0.0.1:${port}`;
    const alive = await until('the API to listen', () => {
      if (api.child.exitCode !== null) throw new Error(api.output());
      return fetch(`${url}/livez`).catch(() => null);
    });
    expect(alive.status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ checks: { start: 'cannot be used (STILL_STARTING)' } });
    const login = await fetch(`${url}/api/auth/login`, { method: 'POST' });
    expect([login.status, login.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await login.json()).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE' } });
  } finally {
    api.child.kill('SIGTERM');
  }
  expect(await api.exit).toBe(0);
});

test('a schema that is behind is refused, naming the migration and what to run', async () => {
  const behind = await createOwnDatabase({ migrated: false });
  const api = start({ DATABASE_URL: behind.url, WLOPS_API_PORT: String(await freePort()) });
  expect(await api.exit).toBe(1);
  expect(api.output()).toMatch(/schema is behind: \d+_init, .* not applied\. Run: node tools\/prisma\/migrate\.mjs/);
  await behind.drop();
});

test('what an API that died had promised to start is started when it is back, without the worker’s schedule', async () => {
  const temporal = await openTestTemporal();
  const db = createDb(database.url);
  const { taskId } = await createTaskRow(db, { startRequestedAt: new Date() });
  const api = start({ TEMPORAL_NAMESPACE: temporal.namespace, WLOPS_API_PORT: String(await freePort()) });
  try {
    await until('the start to be known', async () => {
      if (api.child.exitCode !== null) throw new Error(api.output());
      return (await db.mlTask.findUniqueOrThrow({ where: { taskId } })).workflowStartedAt;
    });
    const { status } = await temporal.client.workflow.getHandle(taskWorkflowId(taskId)).describe();
    expect(status.name).toBe('RUNNING');
  } finally {
    api.child.kill('SIGTERM');
    await api.exit;
    await db.$disconnect();
    await temporal.close();
  }
});

test('a taken port is named, with the variable that changes it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const api = start({ WLOPS_API_PORT: String(port) });
  expect(await api.exit).toBe(1);
  expect(api.output()).toContain(`port ${port} is taken by another program; set WLOPS_API_PORT`);
  await new Promise((resolve) => server.close(resolve));
});

test('wrong configuration is reported whole and ends the process at once', async () => {
  const api = start({ WLOPS_JWT_SECRET: 'short', S3_ENDPOINT: 'nowhere' });
  expect(await api.exit).toBe(1);
  expect(api.output()).toMatch(/WLOPS_JWT_SECRET[\s\S]*/);
  expect(api.output()).toContain('S3_ENDPOINT');
});
