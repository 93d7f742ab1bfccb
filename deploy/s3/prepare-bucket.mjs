// Makes the bucket that S3_BUCKET names on the versitygw at S3_ENDPOINT, an account for each Python service, and the policy that says
// what each may do. Safe to repeat; waits up to 60 s for the server.
import { setTimeout as sleep } from 'node:timers/promises';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { ensureBucket, grantAccess, ownerClient } from './bucket.mjs';
import { STORAGE_SERVICES } from './policy.mjs';

const WAIT_MS = 60_000;

/** The value of an environment variable that must be there. */
function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** The keys that a pair of variables holds; `of` is empty for the bucket's owner. */
const keys = (of = '') => ({
  accessKeyId: required(`S3_${of}ACCESS_KEY_ID`),
  secretAccessKey: required(`S3_${of}SECRET_ACCESS_KEY`),
});

/** An answer of the server (wrong key, wrong name) is final; no answer means that it is still starting. */
function isFinal(error) {
  return error instanceof S3ServiceException && (error.$metadata.httpStatusCode ?? 500) < 500;
}

const bucket = process.env.S3_BUCKET || 'wlops';
const server = { endpoint: required('S3_ENDPOINT'), region: process.env.S3_REGION || 'us-east-1', root: keys() };
const services = Object.fromEntries(STORAGE_SERVICES.map((name) => [name, keys(`${name.toUpperCase()}_`)]));
const client = ownerClient(server);

for (const deadline = Date.now() + WAIT_MS; ;) {
  try {
    const made = await ensureBucket(client, bucket);
    console.log(`bucket ${bucket} ${made ? 'created' : 'is there'}`);
    break;
  } catch (error) {
    if (isFinal(error) || Date.now() >= deadline) {
      const status = error instanceof S3ServiceException ? `HTTP ${error.$metadata.httpStatusCode}` : String(error);
      console.error(`bucket ${bucket} is not usable: ${status}; check S3_ENDPOINT, S3_BUCKET and the access keys`);
      process.exit(1);
    }
    await sleep(1000);
  }
}
await grantAccess(server, client, bucket, services);
console.log(`accounts of ${STORAGE_SERVICES.join(', ')} and their policy are in place`);
