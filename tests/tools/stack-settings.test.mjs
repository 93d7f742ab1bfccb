// What a stack is started with: settings, secrets, free ports.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { checkPortsAreFree } from '../../tools/stack/ports.mjs';
import {
  applicationEnvironment,
  pythonComponents,
  s3Component,
  temporalComponent,
} from '../../tools/stack/components.mjs';
import { checkConfiguration } from '../../tools/stack/configuration.mjs';
import { closePrivateFiles } from '../../tools/stack/private-files.mjs';
import { controlEnvironment, serviceEnvironment, serviceKeys, sharedKeysWarning } from '../../tools/stack/s3-keys.mjs';
import { routed } from '../../tools/stack/routes.mjs';
import { loadSecrets, noteAdminPasswordTold } from '../../tools/stack/secrets.mjs';
import { ownPorts, readStackSettings } from '../../tools/stack/settings.mjs';
import { requireTemporal } from '../../tools/stack/temporal.mjs';
import { checkTemporalStore, temporalClusterArguments } from '../../tools/stack/temporal-cluster.mjs';
import { cacheDirectory, makeDataDirectory } from '../../tools/shared/paths.mjs';
import { withoutStack } from '../../tools/test/test-environment.mjs';
import { fileServer, temporaryFolder } from './support.mjs';

test('the default ports are the promised ones, and the offset moves only those that are not set', () => {
  const ports = (env) => Object.values(readStackSettings(env).ports).map(({ port }) => port);
  assert.deepEqual(ports({}), [15432, 19000, 7233, 8233, 8002, 8003, 8004, 9464, 8080]);
  assert.deepEqual(ports({ WLOPS_PORT_OFFSET: '100', WLOPS_API_PORT: '9000' }).at(-1), 9000);
  assert.equal(ports({ WLOPS_PORT_OFFSET: '100', WLOPS_API_PORT: '9000' })[0], 15532);
});

test('a port or an offset that is none is refused by the name of its variable', () => {
  assert.throws(() => readStackSettings({ WLOPS_API_PORT: 'http' }), /WLOPS_API_PORT must be a whole number .*"http"/);
  assert.throws(() => readStackSettings({ WLOPS_TRAINER_PORT: '70000' }), /WLOPS_TRAINER_PORT .*65535/);
  assert.throws(() => readStackSettings({ WLOPS_PORT_OFFSET: '-1' }), /WLOPS_PORT_OFFSET/);
});

test('a component whose address is given needs no port here', () => {
  const settings = readStackSettings({
    DATABASE_URL: 'postgresql://db/wlops',
    TEMPORAL_ADDRESS: 'temporal:7233',
    S3_ENDPOINT: '',
    WLOPS_TRAINER_URL: 'http://gpu:8004',
  });
  assert.deepEqual(
    ownPorts(settings).map(({ name }) => name),
    ['s3', 'optimizer', 'evaluator', 'worker', 'api'],
  );
});

test('Temporal keeps its histories in SQLite unless PostgreSQL is asked for, which must be the one that is started here', () => {
  assert.equal(readStackSettings({}).temporalStore, 'sqlite');
  assert.equal(readStackSettings({ WLOPS_TEMPORAL_STORE: 'postgresql' }).temporalStore, 'postgresql');
  assert.throws(
    () => readStackSettings({ WLOPS_TEMPORAL_STORE: 'mysql' }),
    /must be sqlite or postgresql; it is "mysql"/,
  );
  const elsewhere = { WLOPS_TEMPORAL_STORE: 'postgresql', DATABASE_URL: 'postgresql://db/wlops' };
  assert.throws(() => readStackSettings(elsewhere), /needs the embedded PostgreSQL/);
});

test('on PostgreSQL the ports between the parts of Temporal are checked as well, and there is no UI', () => {
  const names = (env) => ownPorts(readStackSettings(env)).map(({ name, port }) => `${name} ${port}`);
  const ports = names({ WLOPS_TEMPORAL_STORE: 'postgresql' });
  assert.ok(!ports.some((name) => name.startsWith('temporalUi')));
  assert.deepEqual(
    ports.filter((name) => name.startsWith('temporal ')).sort(),
    [6933, 6934, 6935, 6939, 7233, 7234, 7235, 7239].map((port) => `temporal ${port}`),
  );
  const elsewhere = { WLOPS_TEMPORAL_STORE: 'postgresql', TEMPORAL_ADDRESS: 'temporal:7233' };
  assert.ok(!names(elsewhere).some((name) => name.startsWith('temporal')));
});

test('a data folder that was begun with one store is not opened with the other', (t) => {
  const dataDir = temporaryFolder(t);
  checkTemporalStore({ dataDir, temporalStore: 'postgresql' });
  fs.writeFileSync(path.join(dataDir, 'temporal.sqlite'), '');
  checkTemporalStore({ dataDir, temporalStore: 'sqlite' });
  assert.throws(
    () => checkTemporalStore({ dataDir, temporalStore: 'postgresql' }),
    /begun with WLOPS_TEMPORAL_STORE=sqlite/,
  );

  const other = temporaryFolder(t);
  const args = temporalClusterArguments({
    dataDir: other,
    port: 7233,
    database: { port: 1, user: 'u', password: 'p' },
  });
  assert.equal(fs.statSync(args[1]).mode & 0o777, 0o600, 'the configuration holds a password');
  assert.throws(() => checkTemporalStore({ dataDir: other, temporalStore: 'sqlite' }), /STORE=postgresql/);
});

test('a route leads each address of a process elsewhere, and nothing without one', () => {
  const env = {
    DATABASE_URL: 'postgresql://postgres:1234@127.0.0.1:15432/wlops',
    TEMPORAL_ADDRESS: '127.0.0.1:7233',
    S3_ENDPOINT: 'http://127.0.0.1:19000',
    WLOPS_TRAINER_URL: 'http://127.0.0.1:8004',
    WLOPS_LOG_LEVEL: 'info',
  };
  assert.equal(routed('api', env, undefined), env);
  const asked = [];
  const route = (from, to, port) => {
    asked.push(`${from} ${to} ${port}`);
    return to === 'temporal' ? port : 20_000;
  };
  assert.deepEqual(routed('api', env, route), {
    DATABASE_URL: 'postgresql://postgres:1234@127.0.0.1:20000/wlops',
    TEMPORAL_ADDRESS: '127.0.0.1:7233',
    S3_ENDPOINT: 'http://127.0.0.1:20000',
    WLOPS_TRAINER_URL: 'http://127.0.0.1:20000',
    WLOPS_LOG_LEVEL: 'info',
  });
  assert.deepEqual(asked, ['api postgres 15432', 'api s3 19000', 'api temporal 7233', 'api trainer 8004']);
});

test('an S3 address without its keys is refused', () => {
  assert.throws(
    () => readStackSettings({ S3_ENDPOINT: 'http://s3:9000' }),
    /S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set/,
  );
});

test('secrets are made once, differ between data folders, and only their owner can read them', (t) => {
  const folder = temporaryFolder(t);
  const first = loadSecrets(path.join(folder, 'one'), {});
  const again = loadSecrets(path.join(folder, 'one'), { WLOPS_ADMIN_PASSWORD: 'too late to change it' });
  const other = loadSecrets(path.join(folder, 'two'), {});
  assert.deepEqual(again, first);
  for (const name of ['jwtSecret', 'serviceSecret', 's3SecretAccessKey', 'postgresPassword', 'adminPassword']) {
    assert.notEqual(first[name], other[name]);
    assert.ok(first[name].length >= 24);
  }
  assert.equal(fs.statSync(path.join(folder, 'one/secrets.json')).mode & 0o777, 0o600);
});

test('the administrator of the environment is taken on the first start and none is made up', (t) => {
  const env = { WLOPS_ADMIN_EMAIL: 'root@example.org', WLOPS_ADMIN_PASSWORD: 'a long passphrase' };
  const secrets = loadSecrets(temporaryFolder(t), env);
  assert.deepEqual(
    [secrets.adminEmail, secrets.adminPassword, secrets.adminPasswordUntold],
    ['root@example.org', 'a long passphrase', undefined],
  );
});

test('a password that was made up is to be told until it was, starts that failed in between or not', (t) => {
  const folder = temporaryFolder(t);
  assert.equal(loadSecrets(folder, {}).adminPasswordUntold, true);
  const secrets = loadSecrets(folder, {});
  assert.equal(secrets.adminPasswordUntold, true);
  noteAdminPasswordTold(folder, secrets);
  const { adminPasswordUntold: _told, ...kept } = secrets;
  assert.deepEqual(loadSecrets(folder, {}), kept);
});

test('an administrator the API would refuse is refused before it is kept', () => {
  assert.throws(
    () => readStackSettings({ WLOPS_ADMIN_EMAIL: 'admin@localhost' }),
    /WLOPS_ADMIN_EMAIL .*"admin@localhost"/,
  );
  assert.throws(
    () => readStackSettings({ WLOPS_ADMIN_PASSWORD: 'short' }),
    /WLOPS_ADMIN_PASSWORD .*8 to 200 .*it has 5/,
  );
  readStackSettings({ WLOPS_ADMIN_EMAIL: 'admin@wlops.local', WLOPS_ADMIN_PASSWORD: 'admin123' });
});

test('the keys of the environment are those of the embedded S3 server, and its namespace that of the embedded Temporal', (t) => {
  const env = {
    WLOPS_DATA_DIR: temporaryFolder(t),
    S3_ACCESS_KEY_ID: 'mine',
    S3_SECRET_ACCESS_KEY: 'my secret',
    TEMPORAL_NAMESPACE: 'team',
  };
  const settings = readStackSettings(env);
  const program = { origin: 'PATH', file: '/bin/true' };
  const context = {
    settings,
    secrets: loadSecrets(settings.dataDir, env),
    env,
    installation: { servers: { s3: program, temporal: program } },
  };
  assert.deepEqual(s3Component(context).env.ROOT_ACCESS_KEY, 'mine');
  const application = applicationEnvironment(context, 'postgresql://db');
  assert.deepEqual([application.S3_ACCESS_KEY_ID, application.S3_SECRET_ACCESS_KEY], ['mine', 'my secret']);
  assert.match(temporalComponent(context).args.join(' '), /--namespace team/);
});

test('each Python service has keys of its own and sees no secret that it has no use for', (t) => {
  const env = {
    WLOPS_DATA_DIR: temporaryFolder(t),
    S3_TRAINER_ACCESS_KEY_ID: 'gpu-box',
    S3_TRAINER_SECRET_ACCESS_KEY: 'given secret',
    HF_TOKEN: 'for the hub',
  };
  const settings = readStackSettings(env);
  const secrets = loadSecrets(settings.dataDir, env);
  const context = { settings, secrets, env, installation: { python: 'python' } };
  const application = applicationEnvironment(context, 'postgresql://wlops:password@db/');
  const services = Object.fromEntries(pythonComponents(context, application).map(({ name, env }) => [name, env]));
  assert.deepEqual(
    Object.values(services).map((seen) => [seen.S3_ACCESS_KEY_ID, seen.S3_SECRET_ACCESS_KEY]),
    [
      ['wlops-optimizer', secrets.s3OptimizerSecretAccessKey],
      ['wlops-evaluator', secrets.s3EvaluatorSecretAccessKey],
      ['gpu-box', 'given secret'],
    ],
  );
  const foreign = { ...secrets, trainer: 'given secret', database: 'postgresql://wlops:password@db/' };
  for (const own of ['serviceSecret', 's3OptimizerSecretAccessKey', 'adminPasswordUntold']) delete foreign[own];
  const seen = JSON.stringify(services.optimizer);
  for (const [name, secret] of Object.entries(foreign)) assert.ok(!seen.includes(secret), name);
  assert.equal(services.optimizer.HF_TOKEN, 'for the hub');
  assert.equal(services.optimizer.WLOPS_SERVICE_SECRET, secrets.serviceSecret);
});

test('on a given S3 server a service without keys shares the owner’s, and a start says which do', (t) => {
  const owner = { S3_ENDPOINT: 'http://s3:9000', S3_ACCESS_KEY_ID: 'owner', S3_SECRET_ACCESS_KEY: 'secret' };
  const own = { S3_OPTIMIZER_ACCESS_KEY_ID: 'o', S3_OPTIMIZER_SECRET_ACCESS_KEY: 'os' };
  const dataDir = temporaryFolder(t);
  const contextOf = (env) => ({ settings: readStackSettings(env), secrets: loadSecrets(dataDir, env), env });
  const some = contextOf({ ...owner, ...own });
  assert.equal(serviceKeys(some).optimizer.accessKeyId, 'o');
  assert.equal(serviceKeys(some).trainer.accessKeyId, 'owner');
  assert.match(sharedKeysWarning(some), /^warning: trainer, evaluator use the keys .*S3_TRAINER_ACCESS_KEY_ID/);
  assert.equal(sharedKeysWarning(contextOf(own)), undefined);
  assert.throws(() => readStackSettings({ S3_EVALUATOR_ACCESS_KEY_ID: 'half' }), {
    name: 'UserError',
    message: /S3_EVALUATOR_ACCESS_KEY_ID and S3_EVALUATOR_SECRET_ACCESS_KEY belong together; set .*SECRET/,
  });
});

test('a taken port is told with its number, its variable and who holds it', async (t) => {
  const { port } = await fileServer(t, () => {});
  await assert.rejects(checkPortsAreFree([{ name: 'api', port, variable: 'WLOPS_API_PORT' }]), (error) => {
    assert.match(error.message, new RegExp(`port ${port} for api is taken by process ${process.pid} \\(.*node`));
    assert.match(error.message, /set WLOPS_API_PORT to a free port/);
    assert.match(error.message, /WLOPS_PORT_OFFSET/);
    return true;
  });
});

test('one port for two components is told with both variables', async () => {
  const ports = [
    { name: 'api', port: 21990, variable: 'WLOPS_API_PORT' },
    { name: 's3', port: 21990, variable: 'WLOPS_S3_PORT' },
  ];
  await assert.rejects(
    checkPortsAreFree(ports),
    /21990 is wanted by both api \(WLOPS_API_PORT\) and s3 \(WLOPS_S3_PORT\)/,
  );
});

test('the cache lies where the platform keeps caches, or where WLOPS_CACHE_DIR says', () => {
  const home = '/home/ada';
  assert.equal(cacheDirectory({}, { platform: 'linux', home }), '/home/ada/.cache/wlops');
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: '/xdg' }, { platform: 'linux', home }), '/xdg/wlops');
  assert.equal(cacheDirectory({}, { platform: 'darwin', home }), '/home/ada/Library/Caches/wlops');
  assert.equal(cacheDirectory({ WLOPS_CACHE_DIR: '/big/disk' }, { platform: 'linux', home }), '/big/disk');
});

test('tests never see the addresses, ports and secrets of a running stack, but keep the cache and the interpreter', () => {
  const env = {
    DATABASE_URL: 'postgresql://production/wlops',
    S3_BUCKET: 'production',
    TEMPORAL_ADDRESS: 'production:7233',
    WLOPS_API_PORT: '80',
    WLOPS_JWT_SECRET: 'x',
    WLOPS_TRAINER_URL: 'http://gpu',
    WLOPS_DATA_DIR: '/srv/wlops',
  };
  assert.deepEqual(withoutStack({ ...env, PATH: '/bin', WLOPS_CACHE_DIR: '/c', WLOPS_PYTHON: '/p' }), {
    PATH: '/bin',
    WLOPS_CACHE_DIR: '/c',
    WLOPS_PYTHON: '/p',
  });
});

test('what the API or the worker would refuse is refused before anything starts, all of it at once', (t) => {
  const env = { WLOPS_DATA_DIR: temporaryFolder(t), WLOPS_LOG_LEVEL: 'loud', WLOPS_TRAIN_SLOTS: '0' };
  const settings = readStackSettings(env);
  const context = { settings, secrets: loadSecrets(settings.dataDir, env), env, installation: {} };
  const check = (more = {}) => checkConfiguration({ ...applicationEnvironment(context, 'postgresql://x/'), ...more });
  assert.throws(check, (error) => {
    assert.match(error.message, /WLOPS_LOG_LEVEL: /);
    assert.match(error.message, /WLOPS_TRAIN_SLOTS: /);
    return true;
  });
  check({ WLOPS_LOG_LEVEL: 'info', WLOPS_TRAIN_SLOTS: '1' });
});

test('a data folder is made with what is missing above it; one that cannot be is refused at once, by its variable', (t) => {
  const folder = temporaryFolder(t);
  const deep = path.join(folder, 'some/where/data');
  makeDataDirectory(deep);
  makeDataDirectory(deep);
  assert.ok(fs.statSync(deep).isDirectory());
  fs.writeFileSync(path.join(folder, 'file'), '');
  const impossible = [path.join(folder, 'file'), path.join(folder, 'file/data')];
  if (process.platform === 'linux') impossible.push('/proc/wlops/data');
  for (const one of impossible)
    assert.throws(() => makeDataDirectory(one), { name: 'UserError', message: /^\/.*cannot hold .*WLOPS_DATA_DIR/ });
});

test('a Temporal server that was given and does not answer is told by its variable', async () => {
  const env = { TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_NAMESPACE: 'wlops' };
  await assert.rejects(requireTemporal(env, 100), {
    name: 'UserError',
    message: /no Temporal server with the namespace wlops answers at TEMPORAL_ADDRESS 127\.0\.0\.1:1/,
  });
});

test('a port that browsers refuse is told before anything starts', async () => {
  const ports = ownPorts(readStackSettings({ WLOPS_PORT_OFFSET: '2000' }));
  await assert.rejects(checkPortsAreFree(ports), /port 10080 for api .* refuse; set WLOPS_API_PORT to another/);
  const postgres = checkPortsAreFree([{ name: 'postgres', port: 10_080, variable: 'WLOPS_POSTGRES_PORT' }]);
  await assert.doesNotReject(postgres.catch(({ message }) => assert.match(message, /is taken by/)));
});

test('what users upload is closed to other accounts, also in a data folder that was open before', (t) => {
  const folder = temporaryFolder(t);
  const mode = (name) => fs.statSync(path.join(folder, name)).mode & 0o777;
  for (const name of ['s3', 'logs']) fs.mkdirSync(path.join(folder, name), { mode: 0o755 });
  for (const name of ['temporal.sqlite', 'temporal.sqlite-wal'])
    fs.writeFileSync(path.join(folder, name), '', { mode: 0o644 });
  closePrivateFiles(folder);
  for (const name of ['jobs', 'logs', 'reports', 's3', 'work']) assert.equal(mode(name), 0o700, name);
  for (const name of ['temporal.sqlite', 'temporal.sqlite-wal']) assert.equal(mode(name), 0o600, name);
  fs.symlinkSync(path.join(folder, 'gone'), path.join(folder, 'temporal.sqlite-journal')); // Taken away meanwhile.
  closePrivateFiles(folder);
  fs.rmdirSync(path.join(folder, 'work'));
  fs.writeFileSync(path.join(folder, 'work'), '');
  assert.throws(() => closePrivateFiles(folder), {
    name: 'UserError',
    message: /work cannot be closed .*WLOPS_DATA_DIR/,
  });
});

test('a key of one service is not seen by the others, an address is', () => {
  const env = {
    WLOPS_TEACHER_URL: 'http://t/v1',
    WLOPS_TEACHER_API_KEY: 'k',
    MLFLOW_TRACKING_TOKEN: 't',
    WLOPS_JWT_SECRET: 'j',
  };
  const keys = { accessKeyId: 'a', secretAccessKey: 's' };
  const seen = (service) => Object.keys(serviceEnvironment(service, env, keys)).filter((name) => name in env);
  assert.deepEqual(seen('optimizer'), ['WLOPS_TEACHER_URL', 'WLOPS_TEACHER_API_KEY']);
  assert.deepEqual(seen('trainer'), ['WLOPS_TEACHER_URL', 'MLFLOW_TRACKING_TOKEN']);
  assert.deepEqual(seen('evaluator'), ['WLOPS_TEACHER_URL']);
  assert.deepEqual(Object.keys(controlEnvironment(env)), ['WLOPS_TEACHER_URL', 'WLOPS_JWT_SECRET']);
});
