// Creates the bucket that S3_BUCKET names, on whatever S3 server S3_ENDPOINT names. Safe to repeat; waits up to 60 s for the server.
// Not covered: accounts and policies, which differ from server to server.
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, HeadBucketCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';

const WAIT_MS = 60_000;

/** The value of an environment variable that must be there. */
function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** True when the bucket was made now, false when it was there. Throws what the server answered when neither holds. */
async function createBucket(client, bucket) {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return false;
  } catch (error) {
    if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode !== 404) throw error;
  }
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return true;
}

/** An answer of the server (wrong key, wrong name) is final; no answer means that it is still starting. */
function isFinal(error) {
  return error instanceof S3ServiceException && (error.$metadata.httpStatusCode ?? 500) < 500;
}

const bucket = process.env.S3_BUCKET || 'wlops';
const client = new S3Client({
  endpoint: required('S3_ENDPOINT'),
  region: process.env.S3_REGION || 'us-east-1',
  credentials: { accessKeyId: required('S3_ACCESS_KEY_ID'), secretAccessKey: required('S3_SECRET_ACCESS_KEY') },
  forcePathStyle: true,
});

for (const deadline = Date.now() + WAIT_MS; ;) {
  try {
    const made = await createBucket(client, bucket);
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
