// What each service's account may do in the bucket: the real server with the real accounts and policy, and each request as that
// account. Keys come from the module that spells them.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { bucketPolicy } from '../../deploy/s3/policy.mjs';
import { ROOT } from '../../tools/shared/paths.mjs';
import { prepareBucket } from '../../tools/stack/bucket.mjs';
import { applicationEnvironment, s3Component } from '../../tools/stack/components.mjs';
import { serviceKeys } from '../../tools/stack/s3-keys.mjs';
import { loadSecrets } from '../../tools/stack/secrets.mjs';
import { readStackSettings } from '../../tools/stack/settings.mjs';
import { freePort, temporaryFolder } from './support.mjs';

const keysOf = createRequire(import.meta.url)(path.join(ROOT, 'dist/src/domain/storage-keys.js'));

const TASK = 'task_a1';
const optimized = keysOf.optimizedPrefix(keysOf.optimizedDatasetId(TASK, 0, 0));
const model = keysOf.modelPrefix(TASK, 0, 0);
const evaluation = keysOf.evaluationPrefix(TASK, 0, 0);
const KEYS = {
  upload: keysOf.uploadedDatasetKey(7, 'dataset_a'),
  train: `${optimized}attempt-1/train.parquet`,
  select: `${keysOf.sealedPrefix(TASK)}attempt-1/select.parquet`,
  test: `${keysOf.sealedPrefix(TASK)}attempt-1/test.parquet`,
  outcomes: `${keysOf.sealedPrefix(TASK)}0/outcomes.parquet`,
  checkpoint: `${model}attempt-1/checkpoint-20/model.safetensors`,
  weights: `${model}attempt-1/model.safetensors`,
  improvements: `${evaluation}attempt-1/improvements.json`,
  evaluationReport: `${evaluation}attempt-1/report.json`,
  finalReport: `${keysOf.evaluationPrefix(TASK, 'final', 0)}attempt-1/report.json`,
  report: keysOf.reportKeys(TASK).json,
};
const SEALED = ['select', 'test', 'outcomes'];
/** What each account may read of the above. */
const READABLE = {
  optimizer: ['upload', 'train', 'improvements'],
  trainer: ['train', 'checkpoint', 'weights'],
  evaluator: Object.keys(KEYS).filter((name) => name !== 'upload'),
};
const WRITABLE = {
  optimizer: ['train', ...SEALED],
  trainer: ['checkpoint', 'weights'],
  evaluator: [...SEALED, 'improvements', 'evaluationReport', 'finalReport', 'report'],
};
const SERVICES = Object.keys(READABLE);

const cleanups = [];
const Bucket = 'wlops';
let server;
let context;
let env;

function client({ accessKeyId, secretAccessKey }) {
  const made = new S3Client({
    endpoint: env.S3_ENDPOINT,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
  cleanups.push(() => made.destroy());
  return made;
}
const owner = () => client({ accessKeyId: env.S3_ACCESS_KEY_ID, secretAccessKey: env.S3_SECRET_ACCESS_KEY });
const account = (service) => client(serviceKeys(context)[service]);

/** `ok`, or the status it was refused with. */
async function outcome(s3, command) {
  try {
    const { Body } = await s3.send(command);
    Body?.destroy();
    return 'ok';
  } catch (error) {
    return error.$metadata?.httpStatusCode ?? error;
  }
}

/** For each service the names of the keys at which the command is allowed; anything but a yes or a 403 fails. */
async function allowed(commandAt) {
  const found = {};
  for (const service of SERVICES) {
    const s3 = account(service);
    found[service] = [];
    for (const [name, Key] of Object.entries(KEYS)) {
      const answer = await outcome(s3, commandAt(Key));
      assert.ok(answer === 'ok' || answer === 403, `${service} at ${Key}: ${answer}`);
      if (answer === 'ok') found[service].push(name);
    }
  }
  return found;
}

before(async () => {
  const folder = temporaryFolder({ after: (cleanup) => cleanups.push(cleanup) });
  const given = { WLOPS_DATA_DIR: folder, WLOPS_S3_PORT: String(await freePort()), PATH: process.env.PATH };
  const settings = readStackSettings(given);
  const file = process.env.WLOPS_VERSITYGW || 'versitygw';
  context = { settings, secrets: loadSecrets(folder, given), env: given };
  context.installation = { servers: { s3: { origin: 'PATH', file } } };
  env = applicationEnvironment(context, 'postgresql://none/');
  const spec = s3Component(context);
  server = spawn(spec.command, spec.args, { env: spec.env, cwd: spec.cwd, stdio: 'ignore' });
  for (let tries = 0; !(await spec.isReady()); tries += 1) {
    assert.ok(server.exitCode === null && tries < 300, 'the S3 server does not start');
    await sleep(50);
  }
  await prepareBucket(env, serviceKeys(context));
  for (const Key of Object.values(KEYS)) await owner().send(new PutObjectCommand({ Bucket, Key, Body: 'rows' }));
});
after(async () => {
  const ended = new Promise((resolve) => server.once('exit', resolve));
  if (server.exitCode === null && server.kill('SIGKILL')) await ended;
  for (const cleanup of cleanups.reverse()) cleanup();
});

test('the optimizer and the trainer are refused the rows that decide scores, however they ask', async () => {
  for (const service of ['optimizer', 'trainer']) {
    const s3 = account(service);
    for (const Key of SEALED.map((name) => KEYS[name])) {
      const ways = [
        new GetObjectCommand({ Bucket, Key }),
        new GetObjectCommand({ Bucket, Key, Range: 'bytes=0-0' }),
        new HeadObjectCommand({ Bucket, Key }),
        new GetObjectCommand({ Bucket, Key: `optimized/../${Key}` }),
        new GetObjectCommand({ Bucket, Key: Key.replace('/', '//') }),
        new CopyObjectCommand({ Bucket, Key: `optimized/${service}`, CopySource: `${Bucket}/${Key}` }),
        new CopyObjectCommand({ Bucket, Key: `models/${service}`, CopySource: `${Bucket}/${Key}` }),
        new CopyObjectCommand({ Bucket, Key: `models/${service}`, CopySource: `${Bucket}/models/../${Key}` }),
      ];
      for (const way of ways) assert.equal(await outcome(s3, way), 403, `${service}: ${way.constructor.name} ${Key}`);
    }
  }
});

test('a name that may be read elsewhere opens nothing among the sealed rows', async () => {
  const Key = `${keysOf.sealedPrefix(TASK)}attempt-1/improvements.json`;
  assert.equal(await outcome(account('optimizer'), new PutObjectCommand({ Bucket, Key, Body: '{}' })), 'ok');
  assert.equal(await outcome(account('optimizer'), new GetObjectCommand({ Bucket, Key })), 403);
});

test('each account reads what its jobs read, and nothing else', async () => {
  assert.deepEqual(await allowed((Key) => new GetObjectCommand({ Bucket, Key })), READABLE);
  assert.deepEqual(await allowed((Key) => new HeadObjectCommand({ Bucket, Key })), READABLE);
});

test('each account writes where its jobs write, and nowhere else; in parts as well', async () => {
  assert.deepEqual(await allowed((Key) => new PutObjectCommand({ Bucket, Key, Body: 'rows' })), WRITABLE);
  for (const service of SERVICES) {
    const s3 = account(service);
    for (const [name, Key] of Object.entries(KEYS)) {
      const upload = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key })).catch(() => null);
      assert.equal(upload !== null, WRITABLE[service].includes(name), `${service} at ${Key}`);
      if (!upload) continue;
      const abort = new AbortMultipartUploadCommand({ Bucket, Key, UploadId: upload.UploadId });
      assert.equal(await outcome(s3, abort), 'ok', `${service} at ${Key}`);
    }
  }
});

test('checkpoints are all that may be removed, by the trainer', async () => {
  const removable = await allowed((Key) => new DeleteObjectCommand({ Bucket, Key }));
  await owner().send(new PutObjectCommand({ Bucket, Key: KEYS.checkpoint, Body: 'rows' }));
  assert.deepEqual(removable, { optimizer: [], trainer: ['checkpoint'], evaluator: [] });
});

test('nobody lists, sees a bucket or changes the policy; a missing object is told as missing; the bucket answers', async () => {
  for (const service of SERVICES) {
    const s3 = account(service);
    assert.equal(await outcome(s3, new ListObjectsV2Command({ Bucket })), 403);
    assert.equal(await outcome(s3, new ListObjectsV2Command({ Bucket, Prefix: optimized })), 403);
    assert.equal(await outcome(s3, new ListMultipartUploadsCommand({ Bucket })), 403);
    assert.deepEqual((await s3.send(new ListBucketsCommand({}))).Buckets ?? [], []);
    assert.equal(await outcome(s3, new PutBucketPolicyCommand({ Bucket, Policy: '{}' })), 403);
    assert.equal(await outcome(s3, new GetBucketLocationCommand({ Bucket })), 'ok');
    const own = service === 'evaluator' ? evaluation : service === 'trainer' ? model : optimized;
    assert.equal(await outcome(s3, new GetObjectCommand({ Bucket, Key: `${own}manifest.json` })), 404);
  }
});

test('prepared again the accounts work as before, and a new secret replaces the old one', async () => {
  await prepareBucket(env, serviceKeys(context));
  const read = new GetObjectCommand({ Bucket, Key: KEYS.train });
  assert.equal(await outcome(account('trainer'), read), 'ok');

  const old = account('trainer');
  context = { ...context, secrets: { ...context.secrets, s3TrainerSecretAccessKey: 'another & "safer" <secret>' } };
  await prepareBucket(env, serviceKeys(context));
  assert.equal(await outcome(account('trainer'), read), 'ok');
  assert.equal(await outcome(old, read), 403);
});

test('an account the server does not make is told with its name and the answer', async () => {
  const keys = { ...serviceKeys(context), trainer: { accessKeyId: env.S3_ACCESS_KEY_ID, secretAccessKey: 'other' } };
  await assert.rejects(prepareBucket(env, keys), {
    name: 'UserError',
    message: new RegExp(`bucket wlops cannot be used: .*does not make the account ${env.S3_ACCESS_KEY_ID}: HTTP 404`),
  });
});

test('the job of the containers makes bucket, accounts and policy from its variables', async () => {
  const keys = Object.fromEntries(
    SERVICES.flatMap((service) => [
      [`S3_${service.toUpperCase()}_ACCESS_KEY_ID`, `compose-${service}`],
      [`S3_${service.toUpperCase()}_SECRET_ACCESS_KEY`, `secret of ${service}`],
    ]),
  );
  const job = (more) =>
    promisify(execFile)(process.execPath, [path.join(ROOT, 'deploy/s3/prepare-bucket.mjs')], {
      env: { ...env, ...keys, S3_BUCKET: 'compose', ...more },
    });
  assert.match((await job({})).stdout, /bucket compose created\naccounts of optimizer, trainer, evaluator/);
  assert.match((await job({})).stdout, /bucket compose is there/);
  const trainer = client({ accessKeyId: 'compose-trainer', secretAccessKey: 'secret of trainer' });
  const put = (Key) => outcome(trainer, new PutObjectCommand({ Bucket: 'compose', Key, Body: 'weights' }));
  assert.deepEqual([await put(KEYS.weights), await put(KEYS.test), await put(KEYS.train)], ['ok', 403, 403]);
  await assert.rejects(job({ S3_TRAINER_ACCESS_KEY_ID: '' }), /S3_TRAINER_ACCESS_KEY_ID is not set/);
});

test('the example of a policy for another S3 server is the one that is applied here', () => {
  const example = JSON.parse(fs.readFileSync(path.join(ROOT, 'deploy/s3/policy.example.json'), 'utf8'));
  const arn = (service) => `arn:aws:iam::111122223333:user/wlops-${service}`;
  const principals = Object.fromEntries(SERVICES.map((service) => [service, arn(service)]));
  assert.deepEqual(example, bucketPolicy('wlops', principals));
});
