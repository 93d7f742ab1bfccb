// The demo's client beside an API that dies and comes back.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { ApiClient } from '../../tools/demo/api-client.mjs';

/** An API that meets its first requests with each of these faults in turn. */
async function api(t, faults) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push({ method: request.method, key: request.headers['idempotency-key'] });
    const fault = faults.shift();
    if (fault === 'gone') return request.socket.destroy();
    const headers = { 'content-type': 'application/json', ...(fault === 409 ? { 'retry-after': '1' } : {}) };
    response
      .writeHead(fault ?? 200, headers)
      .end(JSON.stringify(fault ? { error: { message: 'away' } } : { ok: true }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

test('an API that dies, or that a store has left, is asked again until it answers', async (t) => {
  const { url, asked } = await api(t, ['gone', 503]);
  assert.deepEqual(await new ApiClient(url).request('GET', '/api/tasks/task_x'), { ok: true });
  assert.equal(asked.length, 3);
});

test('what is to be done once is asked again with the same key, also while the first call is still being answered', async (t) => {
  const { url, asked } = await api(t, ['gone', 409]);
  const client = new ApiClient(url);
  await client.request('POST', '/api/tasks/standard', {});
  await client.request('POST', '/api/tasks/standard', {});
  const [first, second, third, other] = asked.map(({ key }) => key);
  assert.ok(first);
  assert.deepEqual([second, third], [first, first]);
  assert.notEqual(other, first);
});

test('a refusal is told at once, and nobody waits for an API of a stack that is being stopped', async (t) => {
  const { url, asked } = await api(t, [422, 'gone', 'gone', 'gone']);
  await assert.rejects(new ApiClient(url).request('GET', '/x'), /GET \/x: away/);
  await assert.rejects(new ApiClient(url, () => true).request('GET', '/x'), /GET \/x: the API at .* does not answer/);
  assert.equal(asked.length, 2);
});
