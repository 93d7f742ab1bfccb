// What the tests of the tools share: folders that go away, a local file server, small programs to stand in for big ones.
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** A folder that goes away with the test. */
export function temporaryFolder(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-tools-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A server on the loopback interface that goes away with the test. `requests` collects what was asked. */
export async function fileServer(t, answer) {
  const requests = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    answer(request, response, requests.length);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${server.address().port}`, port: server.address().port, requests };
}

/** A port that nobody uses now. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An executable shell script. */
export function script(folder, name, ...lines) {
  const file = path.join(folder, name);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  return file;
}

/** Lines a function was called with. */
export function recorder() {
  const lines = [];
  const record = (...words) => lines.push(words.join(' '));
  return Object.assign(record, { lines });
}
