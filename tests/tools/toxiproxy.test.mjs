// The proxies of a fault-test cluster are a process of the stack: they come back when it dies, and end when the harness does.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { toxiproxyProcess } from '../../tools/faults/toxiproxy.mjs';
import { waitUntil } from '../../tools/shared/wait.mjs';
import { ManagedProcess } from '../../tools/stack/managed-process.mjs';
import { script, temporaryFolder } from './support.mjs';

/** Stands in for toxiproxy: answers at the port that it is given, and adds what it is populated with to a file. */
const FAKE = `
const [, , , , , port] = process.argv;
require('node:http').createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part)).on('end', () => {
    if (request.url === '/populate') require('node:fs').appendFileSync(process.env.POPULATED, Buffer.concat(parts) + '\\n');
    response.end('{"version":"0"}');
  });
}).listen(Number(port), '127.0.0.1');
`;

test('each link has a port of its own, which it has again after the server died', async (t) => {
  const folder = temporaryFolder(t);
  const populated = path.join(folder, 'populated');
  fs.writeFileSync(path.join(folder, 'fake.cjs'), FAKE);
  const program = script(folder, 'toxiproxy', `exec ${process.execPath} ${path.join(folder, 'fake.cjs')} "$@"`);
  const links = [
    { name: 'api→s3', port: 1 },
    { name: 'worker→s3', port: 1 },
  ];
  const { spec, ports } = await toxiproxyProcess({ program, logFile: path.join(folder, 'log'), cwd: folder, links });
  spec.env = { ...process.env, POPULATED: populated };
  const child = new ManagedProcess(spec, { onLine: () => {}, onEvent: () => {}, onChange: () => {} });
  t.after(() => child.kill());
  await child.start();
  process.kill(child.pid, 'SIGKILL');
  const lines = () => fs.readFileSync(populated, 'utf8').trimEnd().split('\n');
  assert.ok(await waitUntil(() => lines().length === 2, { timeoutMs: 10_000 }));
  const wanted = links.map(({ name }) => ({ name, listen: `127.0.0.1:${ports[name]}`, upstream: '127.0.0.1:1' }));
  for (const line of lines()) assert.deepEqual(JSON.parse(line), wanted);
  assert.equal(new Set([spec.port, ...Object.values(ports)]).size, 3);
});
