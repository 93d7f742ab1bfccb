// The build with Go: the real `go install`, of a small module that a module proxy in a local folder offers.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findGo, goInstall } from '../../tools/servers/go-build.mjs';
import { recorder, temporaryFolder } from './support.mjs';

const MODULE = 'example.test/greeter';
const PROGRAM = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("built from version 1.2.3") }\n';
const ZIP_SCRIPT =
  'import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], "w") as z:\n  for n, c in zip(sys.argv[2::2], sys.argv[3::2]): z.writestr(n, c)';

/** A folder in the form of a Go module proxy, with one version of one module. */
function moduleProxy(folder) {
  const versions = path.join(folder, MODULE, '@v');
  fs.mkdirSync(versions, { recursive: true });
  const goMod = `module ${MODULE}\n\ngo 1.21\n`;
  fs.writeFileSync(path.join(versions, 'list'), 'v1.2.3\n');
  fs.writeFileSync(path.join(versions, 'v1.2.3.info'), '{"Version":"v1.2.3","Time":"2026-01-01T00:00:00Z"}');
  fs.writeFileSync(path.join(versions, 'v1.2.3.mod'), goMod);
  const inZip = `${MODULE}@v1.2.3`;
  const files = [`${inZip}/go.mod`, goMod, `${inZip}/cmd/greeter/main.go`, PROGRAM];
  const python = process.env.WLOPS_TEST_PYTHON || 'python3';
  execFileSync(python, ['-c', ZIP_SCRIPT, path.join(versions, 'v1.2.3.zip'), ...files]);
}

function options(t) {
  const folder = temporaryFolder(t);
  moduleProxy(path.join(folder, 'proxy'));
  const directory = path.join(folder, 'bin');
  fs.mkdirSync(directory);
  const env = { ...process.env, GOPROXY: `file://${folder}/proxy`, GOSUMDB: 'off', GOTOOLCHAIN: 'local' };
  return {
    goPackage: `${MODULE}/cmd/greeter`,
    version: '1.2.3',
    name: 'welcome',
    directory,
    logFile: path.join(folder, 'go.log'),
    onLine: recorder(),
    env,
  };
}

test('a pinned module is built; nothing but the program is left behind', async (t) => {
  if (!(await findGo(process.env))) return t.skip('Go is not installed on this machine');
  const chosen = options(t);
  const file = await goInstall(chosen);
  assert.equal(path.basename(file), 'welcome');
  assert.equal(execFileSync(file, { encoding: 'utf8' }), 'built from version 1.2.3\n');
  assert.deepEqual(fs.readdirSync(path.dirname(chosen.directory)).sort(), ['bin', 'go.log', 'proxy']);
  assert.match(chosen.onLine.lines.join('\n'), /building: example\.test\/greeter/);
});

test('a version that does not exist is an error with the words of Go', async (t) => {
  if (!(await findGo(process.env))) return t.skip('Go is not installed on this machine');
  const chosen = options(t);
  await assert.rejects(goInstall({ ...chosen, version: '9.9.9' }), /building .*greeter@v9\.9\.9 failed[\s\S]*9\.9\.9/);
  assert.deepEqual(fs.readdirSync(chosen.directory), []);
});

test('without Go the message says so', async (t) => {
  const chosen = options(t);
  await assert.rejects(
    goInstall({ ...chosen, env: { PATH: '/nonexistent' } }),
    /Go is not installed \(https:\/\/go\.dev\/dl\)/,
  );
});
