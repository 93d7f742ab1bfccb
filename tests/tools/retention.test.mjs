// `npm run retention`: its options, whom it asks, and what it prints.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { reportLines, sizeText } from '../../tools/retention/report-lines.mjs';
import { parseRetentionArguments, retention, stackAccess } from '../../tools/retention/retention.mjs';
import { temporaryFolder } from './support.mjs';

const REPORT = {
  ...{ dryRun: true, startedAt: '2030-01-01T00:00:00.000Z', graceHours: 24, retentionDays: 7 },
  listed: { objects: 40, bytes: 5_000_000 },
  garbage: {
    checkpoint: { objects: 3, bytes: 1500, why: 'a checkpoint of a finished training', examples: ['models/a'] },
  },
  ...{ datasetsCollected: 0, uploadsEnded: 0, failed: 0, notOurs: 0 },
};

test('a misspelt --dry-run is refused rather than taken for none', () => {
  assert.deepEqual(parseRetentionArguments(['--dry-run']), { dryRun: true, json: false, api: undefined });
  assert.deepEqual(parseRetentionArguments(['--json', '--api', 'http://x']), {
    dryRun: false,
    json: true,
    api: 'http://x',
  });
  for (const args of [['--dryrun'], ['--dry-run=true'], ['-n'], ['--api']]) {
    assert.throws(() => parseRetentionArguments(args), /npm run retention/);
  }
});

test('without a stack it says how to get one, and with --api whose password is missing', (t) => {
  const env = { WLOPS_DATA_DIR: temporaryFolder(t) };
  assert.throws(() => stackAccess(env, undefined), /no stack runs on .*--api/);
  assert.throws(() => stackAccess(env, 'http://x'), /WLOPS_ADMIN_PASSWORD/);
  const named = { ...env, WLOPS_ADMIN_EMAIL: 'a@b.c', WLOPS_ADMIN_PASSWORD: 'p' };
  assert.deepEqual(stackAccess(named, 'http://x/'), { url: 'http://x', email: 'a@b.c', password: 'p' });
});

test('the report tells what would go, how much of it and why', () => {
  const text = reportLines(REPORT).join('\n');
  assert.match(text, /looked at 40 objects, 5\.0 MB; nothing younger than 24 h .* 7 days/);
  assert.match(
    text,
    /would remove 3 objects, 1\.5 kB: a checkpoint of a finished training \(checkpoint\)\n {4}models\/a\n {4}… and 2 more/,
  );
  assert.match(text, /would remove 3 objects, 1\.5 kB in all; nothing was touched$/);
  const done = reportLines({ ...REPORT, dryRun: false, failed: 1 }).join('\n');
  assert.match(done, /removed 3 objects/);
  assert.match(done, /1 objects could not be removed/);
  assert.ok(!done.includes('would'));
  assert.deepEqual([0, 999, 1000, 12_345_678, 2e15].map(sizeText), ['0 B', '999 B', '1.0 kB', '12 MB', '2000 TB']);
});

test('it logs in, asks once, waits for the report of that very pass, and fails when something was left', async (t) => {
  /** @type {string[]} */
  const asked = [];
  let polls = 0;
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''} ${body}`);
    const answer = (/** @type {number} */ status, /** @type {object} */ json) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    if (request.url === '/api/auth/login') return answer(200, { accessToken: 'token', user: {} });
    const report = request.method === 'GET' && ++polls === 2 ? { ...REPORT, dryRun: false, failed: 2 } : null;
    return answer(report ? 200 : 202, { retentionId: 'by-hand_7', report });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const { mock } = t;
  mock.method(console, 'log', () => {});
  mock.method(console, 'error', () => {});
  const env = { WLOPS_ADMIN_EMAIL: 'a@b.c', WLOPS_ADMIN_PASSWORD: 'p' };
  const code = await retention({ env, dryRun: false, json: true, api: `http://127.0.0.1:${port}` });
  assert.equal(code, 1);
  assert.deepEqual(asked.slice(1), [
    'POST /api/admin/retention Bearer token {"dryRun":false}',
    'GET /api/admin/retention/by-hand_7 Bearer token ',
    'GET /api/admin/retention/by-hand_7 Bearer token ',
  ]);
});
