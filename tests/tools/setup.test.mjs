// The setup: what must be on the machine, what counts as installed, and a Python environment that is whole or not there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { hashSources, makeUnlessCurrent } from '../../tools/build.mjs';
import { UserError } from '../../tools/shared/errors.mjs';
import { npmPackagesAreCurrent } from '../../tools/setup/npm-packages.mjs';
import { checkMachine, checkNode, findPython } from '../../tools/setup/prerequisites.mjs';
import { installPythonEnvironment, installTorch, pythonEnvironment } from '../../tools/setup/python-environment.mjs';
import { isAlive } from '../../tools/shared/processes.mjs';
import { waitUntil } from '../../tools/shared/wait.mjs';
import { recorder, script, temporaryFolder } from './support.mjs';

test('an old Node is refused with the version to install', () => {
  assert.throws(() => checkNode('v20.18.1'), /needs Node 20\.19 or newer; this is v20\.18\.1/);
  assert.throws(() => checkNode('v18.20.0'), UserError);
  checkNode('v20.19.0');
  checkNode('v22.0.0');
});

test('a machine that no packages exist for is refused with what it would take', () => {
  assert.throws(
    () => checkMachine({ platform: 'darwin', arch: 'x64' }),
    /macOS with Apple silicon; this is darwin-x64/,
  );
  assert.throws(() => checkMachine({ platform: 'win32', arch: 'x64' }), /WSL 2/);
  checkMachine({ platform: 'linux', arch: 'arm64' });
});

test('the version is looked at before anything is loaded that an old Node does not know', (t) => {
  const old = path.join(temporaryFolder(t), 'old.cjs');
  fs.writeFileSync(old, "Object.defineProperty(process, 'version', { value: 'v18.20.4' });");
  const { status, stderr } = spawnSync(process.execPath, ['--require', old, 'tools/wlops.mjs', 'status'], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /WLOps needs Node 20\.19 or newer; this is v18\.20\.4/);
});

test('a signal during the setup ends what it runs, with all that this has started', async (t) => {
  const folder = temporaryFolder(t);
  const pidFile = path.join(folder, 'pid');
  const python = script(
    folder,
    'python',
    '[ "$1" = -c ] && echo 3.11.7 && exit',
    `sleep 300 & echo $! > ${pidFile}`,
    'wait',
  );
  const env = {
    ...process.env,
    ...{ WLOPS_CACHE_DIR: path.join(folder, 'cache'), WLOPS_PYTHON: python },
    ...{ TEMPORAL_ADDRESS: 'nowhere:1', S3_ENDPOINT: 'http://nowhere:1' },
  };
  const child = spawn(process.execPath, ['tools/wlops.mjs', 'start'], { env, stdio: 'ignore' });
  const started = () => fs.existsSync(pidFile) && Number(fs.readFileSync(pidFile, 'utf8'));
  const inner = await waitUntil(started, { timeoutMs: 120_000 });
  assert.ok(inner && isAlive(inner));
  child.kill('SIGTERM');
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
  assert.equal(await waitUntil(() => !isAlive(inner), { timeoutMs: 2000 }), true);
});

/** A folder on PATH with fake interpreters: name → version, or a list of version and `no-venv`. */
function pythons(t, versions) {
  const folder = temporaryFolder(t);
  for (const [name, [version, venv]] of Object.entries(versions)) {
    const refusal = venv === 'no-venv' ? ['case "$2" in *ensurepip*) exit 1;; esac'] : [];
    script(folder, name, ...refusal, `echo ${version}`);
  }
  return { PATH: folder };
}

test('the first Python that fits is taken, others are passed over', async (t) => {
  const env = pythons(t, { 'python3.11': ['3.11.4', 'no-venv'], 'python3.12': ['3.12.1'], python3: ['3.10.2'] });
  assert.deepEqual(await findPython(env), { executable: path.join(env.PATH, 'python3.12'), version: '3.12.1' });
});

test('without a Python that fits the message tells what was seen and what to install', async (t) => {
  const env = pythons(t, { 'python3.11': ['3.11.4', 'no-venv'], python3: ['3.14.0'] });
  await assert.rejects(findPython(env), (error) => {
    assert.match(error.message, /python3\.11 \(3\.11\.4\) lacks the venv module; .*python3 is 3\.14\.0/);
    assert.match(error.message, /Install it, for instance: /);
    return true;
  });
  await assert.rejects(findPython({ PATH: '/nonexistent' }), /none was found on PATH/);
  await assert.rejects(
    findPython({ PATH: env.PATH, WLOPS_PYTHON: '/no/such' }),
    /WLOPS_PYTHON=\/no\/such does not run/,
  );
});

/** A repository folder with a lock file and npm's record of what is installed. */
function npmFolder(t, installed) {
  const root = temporaryFolder(t);
  const packages = {
    '': { name: 'probe' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/mac-only': { version: '2.0.0', optional: true },
  };
  fs.writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify({ packages }));
  if (installed) {
    fs.mkdirSync(path.join(root, 'node_modules'));
    fs.writeFileSync(path.join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
  }
  return root;
}

test('npm packages count as installed only when npm recorded the very versions of the lock file', (t) => {
  assert.equal(npmPackagesAreCurrent(npmFolder(t)), false);
  assert.equal(npmPackagesAreCurrent(npmFolder(t, {})), false);
  assert.equal(npmPackagesAreCurrent(npmFolder(t, { 'node_modules/a': { version: '0.9.0' } })), false);
  assert.equal(npmPackagesAreCurrent(npmFolder(t, { 'node_modules/a': { version: '1.0.0' } })), true);
});

test('a build is made again when a source changed or the last one failed, and otherwise not', async (t) => {
  const root = temporaryFolder(t);
  const stamp = path.join(root, 'dist/.hash');
  fs.mkdirSync(path.join(root, 'src/generated'), { recursive: true });
  const write = (name, text) => fs.writeFileSync(path.join(root, name), text);
  const made = recorder();
  const make = (work = async () => {}) =>
    makeUnlessCurrent(stamp, hashSources(root, ['src']), async () => {
      made('made');
      await work();
    });
  write('src/a.ts', 'one');
  await assert.rejects(make(() => Promise.reject(new Error('does not compile'))));
  assert.equal(await make(), true);
  assert.equal(await make(), false);
  write('src/a.test.ts', 'a test is not built');
  write('src/generated/client.ts', 'nor is what the build itself makes a source');
  assert.equal(await make(), false);
  write('src/a.ts', 'two');
  assert.equal(await make(), true);
  assert.equal(made.lines.length, 3);
});

/** Lock files, a fake base interpreter that makes a folder, and fake uvs, on PATH and from pip, that note what they are asked. */
function pythonWorld(t, { uv = [], uvVersion = '0.9.13' } = {}) {
  const folder = temporaryFolder(t);
  const services = path.join(folder, 'services');
  fs.mkdirSync(services);
  for (const name of ['requirements.lock', 'requirements-torch.txt', 'requirements-dev.lock']) {
    fs.writeFileSync(path.join(services, name), `${name} 1\n`);
  }
  const bin = path.join(folder, 'bin');
  const asked = path.join(folder, 'asked');
  script(bin, 'uv', `[ "$1" = --version ] && echo uv ${uvVersion} && exit 0`, `echo "$@" >> ${asked}`, ...uv);
  const uvOfPip = script(path.join(folder, 'pip'), 'uv', `echo from pip: "$@" >> ${asked}`);
  const python = script(folder, 'python', `[ "$2" = pip ] && cp ${uvOfPip} "$(dirname "$0")/uv"`, 'exit 0');
  const base = {
    version: '3.11.7',
    executable: script(bin, 'base-python', `mkdir -p "$3/bin" && cp ${python} "$3/bin/python"`),
  };
  const cache = path.join(folder, 'cache');
  return {
    services,
    environment: () => pythonEnvironment({ cache, services, pythonVersion: base.version }),
    asked: () => (fs.existsSync(asked) ? fs.readFileSync(asked, 'utf8').trim().split('\n') : []),
    install: (withDevTools = false) =>
      installPythonEnvironment({
        cache,
        services,
        base,
        withDevTools,
        logFile: path.join(folder, 'python.log'),
        onLine: recorder(),
        env: { ...process.env, PATH: `${bin}:/usr/bin:/bin` },
      }),
  };
}

test('an environment is installed once, by hash-checked lock files, and found whole afterwards', async (t) => {
  const world = pythonWorld(t);
  const python = await world.install();
  assert.equal(python, world.environment().python);
  const first = world.asked();
  assert.ok(
    first.some((line) => /--compile-bytecode .*--require-hashes --no-deps -r .*requirements\.lock$/.test(line)),
  );
  assert.ok(first.some((line) => /--compile-bytecode .*-r .*requirements-torch\.txt$/.test(line)));
  await world.install();
  assert.deepEqual(world.asked(), first);
});

test('a uv on PATH of another line of versions is left alone; one from pip does its work', async (t) => {
  for (const uvVersion of ['0.8.22', '1.0.0']) {
    const world = pythonWorld(t, { uvVersion });
    await world.install();
    assert.equal(world.environment().isReady(), true);
    assert.ok(world.asked().every((line) => line.startsWith('from pip: pip install')));
  }
});

test('an environment that was interrupted is made anew', async (t) => {
  const world = pythonWorld(t);
  const { directory } = world.environment();
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, 'half-made'), '');
  assert.equal(world.environment().isReady(), false);
  await world.install();
  assert.equal(fs.existsSync(path.join(directory, 'half-made')), false);
  assert.equal(world.environment().isReady(), true);
});

test('an environment whose interpreter was upgraded away is made anew', async (t) => {
  const world = pythonWorld(t);
  const python = await world.install();
  const before = world.asked().length;
  fs.rmSync(python);
  fs.symlinkSync('/no/such/python', python);
  await world.install();
  assert.ok(fs.statSync(python).isFile());
  assert.equal(world.asked().length, 2 * before);
});

test('an installation that fails leaves no environment that counts as whole, and the message ends with its log', async (t) => {
  const world = pythonWorld(t, { uv: ['case "$*" in *requirements.lock) echo no such package; exit 1;; esac'] });
  await assert.rejects(world.install(), /installing Python packages failed \(exit 1\)[\s\S]*no such package/);
  assert.equal(world.environment().isReady(), false);
});

test('development tools are added to a whole environment without touching the rest', async (t) => {
  const world = pythonWorld(t);
  await world.install();
  const before = world.asked().length;
  await world.install(true);
  assert.equal(world.asked().length, before + 1);
  assert.match(world.asked().at(-1), /--compile-bytecode .*requirements-dev\.lock$/);
  assert.equal(world.environment().hasDevTools(), true);
});

test('two clones that install at once do it once', async (t) => {
  const world = pythonWorld(t);
  await Promise.all([world.install(), world.install()]);
  assert.equal(world.asked().filter((line) => line.endsWith('requirements.lock')).length, 1);
});

test('another lock file is another environment; other development tools are not', (t) => {
  const world = pythonWorld(t);
  const before = world.environment().directory;
  fs.writeFileSync(path.join(world.services, 'requirements-dev.lock'), 'other tools');
  assert.equal(world.environment().directory, before);
  fs.writeFileSync(path.join(world.services, 'requirements.lock'), 'other packages');
  assert.notEqual(world.environment().directory, before);
});

test('without a GPU the CPU build of PyTorch is tried first, briefly, then the default one; with a GPU only the default', async () => {
  const attempts = async (gpu, cpuBuildFails) => {
    const seen = [];
    const install = async (args, env) => {
      seen.push([args.includes('--torch-backend=auto') ? 'cpu build' : 'default', env.UV_HTTP_TIMEOUT]);
      if (cpuBuildFails && seen.length === 1 && !gpu) throw new UserError('out of reach');
    };
    await installTorch(install, { requirements: 'torch.txt', gpu, env: {}, onLine: () => {} });
    return seen;
  };
  assert.deepEqual(await attempts(false, false), [['cpu build', '10']]);
  assert.deepEqual(await attempts(false, true), [
    ['cpu build', '10'],
    ['default', undefined],
  ]);
  assert.deepEqual(await attempts(true, true), [['default', undefined]]);
});
