// The download of server programs, against a local file server that behaves well, badly and slowly.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { download } from '../../tools/servers/download.mjs';
import { fileServer, temporaryFolder } from './support.mjs';

const CONTENT = Buffer.alloc(300_000, 'wlops ');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

const options = (address, folder) => ({
  url: `${address}/file.tar.gz`,
  sha256: SHA256,
  file: path.join(folder, 'file.tar.gz'),
});

/** Sends the content from where it is asked for, but breaks off after `bytes`. */
function sendThenBreak(request, response, bytes) {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from ? 206 : 200, { 'content-length': CONTENT.length - from });
  response.write(CONTENT.subarray(from, from + bytes), () => response.destroy());
}

function send(request, response) {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from ? 206 : 200, { 'content-length': CONTENT.length - from });
  response.end(CONTENT.subarray(from));
}

test('a whole file with the right sha256 appears under its name, and nothing else does', async (t) => {
  const folder = temporaryFolder(t);
  const { address } = await fileServer(t, send);
  await download(options(address, folder));
  assert.deepEqual(fs.readdirSync(folder), ['file.tar.gz']);
  assert.ok(fs.readFileSync(path.join(folder, 'file.tar.gz')).equals(CONTENT));
});

test('a file with another sha256 is thrown away and both hashes are told', async (t) => {
  const folder = temporaryFolder(t);
  const { address } = await fileServer(t, (_, response) => response.end('something else'));
  const actual = createHash('sha256').update('something else').digest('hex');
  await assert.rejects(
    download(options(address, folder)),
    (error) => error.message.includes(actual) && error.message.includes(SHA256),
  );
  assert.deepEqual(fs.readdirSync(folder), []);
});

test('a download that breaks off is continued where it stopped', async (t) => {
  const folder = temporaryFolder(t);
  const { address, requests } = await fileServer(t, (request, response, count) =>
    count === 1 ? sendThenBreak(request, response, 100_000) : send(request, response),
  );
  await download(options(address, folder));
  assert.ok(fs.readFileSync(path.join(folder, 'file.tar.gz')).equals(CONTENT));
  assert.equal(requests.length, 2);
  assert.match(requests[1].headers.range, /^bytes=[1-9]\d*-$/);
});

test('a server that sends all again instead of the rest is taken at its word', async (t) => {
  const folder = temporaryFolder(t);
  const { address } = await fileServer(t, (request, response, count) => {
    delete request.headers.range;
    return count === 1 ? sendThenBreak(request, response, 100_000) : send(request, response);
  });
  await download(options(address, folder));
  assert.ok(fs.readFileSync(path.join(folder, 'file.tar.gz')).equals(CONTENT));
});

test('a download that always breaks off ends with an error, keeps its part, and a later call continues it', async (t) => {
  const folder = temporaryFolder(t);
  let isBroken = true;
  const { address } = await fileServer(t, (request, response) =>
    isBroken ? sendThenBreak(request, response, 50_000) : send(request, response),
  );
  await assert.rejects(download(options(address, folder)), /cannot download/);
  const [part] = fs.readdirSync(folder);
  assert.match(part, /\.part$/);
  isBroken = false;
  await download(options(address, folder));
  assert.deepEqual(fs.readdirSync(folder), ['file.tar.gz']);
});

test('the part of another version is not continued', async (t) => {
  const folder = temporaryFolder(t);
  const { address, requests } = await fileServer(t, send);
  fs.writeFileSync(path.join(folder, `file.tar.gz.${'0'.repeat(12)}.part`), 'other bytes');
  await download(options(address, folder));
  assert.equal(requests[0].headers.range, undefined);
});

test('a missing file is an error with the status, at once', async (t) => {
  const { address, requests } = await fileServer(t, (_, response) => response.writeHead(404).end());
  await assert.rejects(download(options(address, temporaryFolder(t))), /answered 404/);
  assert.equal(requests.length, 1);
});

test('a server that never answers is given up after the connect timeout', async (t) => {
  const { address } = await fileServer(t, () => {});
  const began = Date.now();
  await assert.rejects(
    download({ ...options(address, temporaryFolder(t)), connectTimeoutMs: 200 }),
    /no answer for 0.2 s/,
  );
  assert.ok(Date.now() - began < 5000);
});

test('a server that stops sending is given up after the stall timeout', async (t) => {
  const { address } = await fileServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length });
    response.write(CONTENT.subarray(0, 1000));
  });
  await assert.rejects(
    download({ ...options(address, temporaryFolder(t)), stallTimeoutMs: 150 }),
    /nothing received for 0.15 s/,
  );
});

test('a site that cannot be reached is an error that names the address and the reason', async (t) => {
  const { address, port } = await fileServer(t, send);
  const unreachable = address.replace(String(port), '1');
  await assert.rejects(download(options(unreachable, temporaryFolder(t))), /127\.0\.0\.1:1.*(ECONNREFUSED|bad port)/);
});

test('a rest that is whole already is taken as it is, one that does not fit is fetched anew', async (t) => {
  const folder = temporaryFolder(t);
  const part = path.join(folder, `file.tar.gz.${SHA256.slice(0, 12)}.part`);
  fs.writeFileSync(part, CONTENT);
  await download(options('http://127.0.0.1:9', folder));
  assert.deepEqual(fs.readdirSync(folder), ['file.tar.gz']);

  fs.rmSync(path.join(folder, 'file.tar.gz'));
  fs.writeFileSync(part, Buffer.concat([CONTENT, CONTENT]));
  const { address } = await fileServer(t, (request, response) => {
    if (!request.headers.range) return send(request, response);
    response.writeHead(416);
    return response.end();
  });
  await download(options(address, folder));
  assert.ok(fs.readFileSync(path.join(folder, 'file.tar.gz')).equals(CONTENT));
});
