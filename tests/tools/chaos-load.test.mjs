// The users of a chaos run: one that fails is an error of the run and no end of it, and none asks for ever.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { startLoad } from '../../tools/faults/chaos/load.mjs';
import { LoggedClient } from '../../tools/faults/logged-client.mjs';
import { readJsonLines } from '../../tools/shared/json-lines.cjs';
import { fileServer, freePort, temporaryFolder } from './support.mjs';

/** Answers with what `of` says to a route. */
const answering = (of) => (request, response) => {
  const [status, body] = of(request.url);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

test('users who cannot log in are told as errors, each of them, and the load ends all the same', async (t) => {
  const { address } = await fileServer(
    t,
    answering(() => [403, { error: {} }]),
  );
  const logFile = path.join(temporaryFolder(t), 'client.jsonl');
  const load = startLoad({ base: address, logFile, seed: 1, users: 2, tasksPerUser: 1 });
  await load.stop();
  assert.deepEqual(
    load.errors(),
    [0, 1].map((user) => `user ${user} could not go on: register answered 403`),
  );
});

test('a load that is given up while nobody answers ends soon', async (t) => {
  const logFile = path.join(temporaryFolder(t), 'client.jsonl');
  const load = startLoad({ base: `http://127.0.0.1:${await freePort()}`, logFile, seed: 1, users: 2, tasksPerUser: 1 });
  for (const client of load.clients) client.giveUp();
  const from = Date.now();
  await load.stop();
  assert.ok(Date.now() - from < 10_000);
});

test('who is logged out logs in again; where that does not help it is tried as long as asked, not without a pause', async (t) => {
  let asked = 0;
  const { address, requests } = await fileServer(
    t,
    answering((route) => {
      if (route === '/api/auth/register') return [201, { email: 'a@example.org' }];
      if (route === '/api/auth/login') return [200, { accessToken: 'a token', user: { userId: 1 } }];
      asked += 1;
      return route === '/forgotten' && asked > 1 ? [200, {}] : [401, {}];
    }),
  );
  const logFile = path.join(temporaryFolder(t), 'client.jsonl');
  const client = new LoggedClient({ base: address, logFile });
  await client.register('a@example.org', 'a password');
  assert.equal((await client.request('GET', '/forgotten')).status, 200);
  assert.equal((await client.request('GET', '/never', { seconds: 1 })).status, 401);
  assert.ok(requests.length < 25, `${requests.length} requests`);
  assert.doesNotMatch(JSON.stringify(readJsonLines(logFile)), /a password|a token/, 'no secret is in the log');
});
