// Where a server program comes from: address, PATH, cache, download, build, or a message that says what to install.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { TEMPORAL, VERSITYGW } from '../../tools/servers/catalog.mjs';
import { obtainServer } from '../../tools/servers/obtain.mjs';
import { fileServer, recorder, script, temporaryFolder } from './support.mjs';

const SYSTEM_PATH = '/usr/bin:/bin';

/** A program of the catalogue's form whose archive is served locally. */
async function world(t, { sha256, status = 200 } = {}) {
  const folder = temporaryFolder(t);
  script(path.join(folder, 'content/probe_1.0.0'), 'probe', 'echo probe 1.0.0');
  const archive = path.join(folder, 'probe.tar.gz');
  execFileSync('tar', ['-czf', archive, '-C', path.join(folder, 'content'), 'probe_1.0.0']);
  const content = fs.readFileSync(archive);
  const server = await fileServer(t, (_, response) => response.writeHead(status).end(content));
  const program = {
    name: 'probe',
    title: 'Probe',
    addressVariable: 'PROBE_ADDRESS',
    version: '1.0.0',
    archives: {
      'linux-x64': {
        path: '/releases/probe.tar.gz',
        sha256: sha256 ?? createHash('sha256').update(content).digest('hex'),
        member: 'probe_1.0.0/probe',
      },
    },
    goPackage: 'example.test/probe',
    unsuitable: (output) => (output.includes('0.1') ? 'it is too old' : undefined),
    installHint: 'install the probe package',
  };
  const onLine = recorder();
  const options = {
    env: { PATH: SYSTEM_PATH, WLOPS_DOWNLOAD_SITE: server.address },
    cache: path.join(folder, 'cache'),
    logFile: path.join(folder, 'probe.log'),
    onLine,
    platform: 'linux-x64',
  };
  return { folder, program, options, server, onLine };
}

test('a given address wins over everything and nothing is fetched', async (t) => {
  const { program, options, server } = await world(t);
  const env = { ...options.env, PROBE_ADDRESS: 'probe.example:1' };
  assert.deepEqual(await obtainServer(program, { ...options, env }), { origin: 'address', address: 'probe.example:1' });
  assert.equal(server.requests.length, 0);
});

test('a suitable program on PATH is used; an unsuitable one before it is passed over with the reason', async (t) => {
  const { folder, program, options, onLine } = await world(t);
  const old = script(path.join(folder, 'old'), 'probe', 'echo probe 0.1');
  const good = script(path.join(folder, 'good'), 'probe', 'echo probe 2.0');
  const env = { ...options.env, PATH: `${path.dirname(old)}:${path.dirname(good)}:${SYSTEM_PATH}` };
  assert.deepEqual(await obtainServer(program, { ...options, env }), { origin: 'PATH', file: good });
  assert.match(onLine.lines.join('\n'), /old\/probe is not used: it is too old/);
});

test('the official archive is downloaded once, proven, unpacked, and found in the cache the next time', async (t) => {
  const { program, options, server } = await world(t);
  const first = await obtainServer(program, options);
  assert.equal(first.origin, 'download');
  assert.equal(execFileSync(first.file, { encoding: 'utf8' }), 'probe 1.0.0\n');
  assert.deepEqual(await obtainServer(program, options), { origin: 'cache', file: first.file });
  assert.equal(server.requests.length, 1);
  assert.deepEqual(fs.readdirSync(path.join(options.cache, 'bin')), ['probe-1.0.0']);
});

test('two that ask at once download once', async (t) => {
  const { program, options, server } = await world(t);
  const [one, two] = await Promise.all([obtainServer(program, options), obtainServer(program, options)]);
  assert.equal(one.file, two.file);
  assert.equal(server.requests.length, 1);
});

test('an archive with another sha256 is refused, and without Go the message says exactly what to install', async (t) => {
  const { program, options } = await world(t, { sha256: '0'.repeat(64) });
  const env = { ...options.env, PATH: path.dirname(script(path.join(options.cache, 'tools'), 'nothing')) };
  await assert.rejects(obtainServer(program, { ...options, env }), (error) => {
    assert.match(error.message, /Probe 1\.0\.0 cannot be had/);
    assert.match(error.message, /download: .*expected 0000/);
    assert.match(error.message, /build: Go is not installed/);
    assert.match(error.message, /install the probe package, or install Go .*, or set PROBE_ADDRESS/);
    return true;
  });
  assert.equal(fs.existsSync(path.join(options.cache, 'bin/probe-1.0.0')), false);
});

test('where the download fails the program is built with Go at the pinned version', async (t) => {
  const { folder, program, options } = await world(t, { status: 503 });
  // A stand-in for Go: it shows what it is asked, and makes the program that was asked for.
  script(
    path.join(folder, 'go'),
    'go',
    '[ "$1" = version ] && echo go version && exit 0',
    `echo "$@" "$GOMODCACHE" > ${folder}/asked`,
    'mkdir -p "$GOMODCACHE/read-only" && chmod 500 "$GOMODCACHE/read-only"',
    'printf "#!/bin/sh\\necho built\\n" > "$GOBIN/probe" && chmod 755 "$GOBIN/probe"',
  );
  const env = { ...options.env, PATH: `${folder}/go:${SYSTEM_PATH}` };
  const { origin, file } = await obtainServer(program, { ...options, env });
  assert.equal(origin, 'build');
  assert.equal(execFileSync(file, { encoding: 'utf8' }), 'built\n');
  const asked = fs.readFileSync(path.join(folder, 'asked'), 'utf8');
  assert.match(asked, /^install -v example\.test\/probe@v1\.0\.0 /);
  assert.equal(fs.existsSync(asked.trim().split(' ').at(-1)), false, 'the module cache is removed afterwards');
});

test('a machine without an official archive goes on to the build', async (t) => {
  const { program, options } = await world(t);
  const env = { ...options.env, PATH: '/nonexistent' };
  await assert.rejects(
    obtainServer(program, { ...options, env, platform: 'sunos-sparc' }),
    /no official archive for sunos-sparc/,
  );
});

test('the catalogue has an archive with a sha256 for each supported platform', () => {
  for (const { archives, version } of [TEMPORAL, VERSITYGW]) {
    assert.deepEqual(Object.keys(archives).sort(), ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64']);
    for (const { path: location, sha256 } of Object.values(archives)) {
      assert.match(sha256, /^[0-9a-f]{64}$/);
      assert.ok(location.includes(version));
    }
  }
});

test('a Temporal whose server lacks fair queues is not used', () => {
  assert.match(TEMPORAL.unsuitable('temporal version 1.1.2 (Server 1.25.2, UI 2.32.0)'), /1\.25, older than 1\.29/);
  assert.equal(TEMPORAL.unsuitable('temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)'), undefined);
  assert.match(TEMPORAL.unsuitable('temporal version 9'), /does not tell/);
});
