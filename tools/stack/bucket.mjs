// @ts-check
// The bucket of the stack: made when it is not there.
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { messageOf, UserError } from '../shared/errors.mjs';

/**
 * @param {NodeJS.ProcessEnv} env S3_* variables, all set
 * @returns {Promise<boolean>} whether it was made now
 * @throws {UserError} when the server refuses the keys or cannot be reached
 */
export async function ensureBucket(env) {
  const Bucket = env.S3_BUCKET;
  const client = new S3Client({
    endpoint: env.S3_ENDPOINT,
    region: env.S3_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: env.S3_ACCESS_KEY_ID ?? '', secretAccessKey: env.S3_SECRET_ACCESS_KEY ?? '' },
  });
  try {
    await client.send(new HeadBucketCommand({ Bucket }));
    return false;
  } catch (error) {
    if (/** @type {{ $metadata?: { httpStatusCode?: number } }} */ (error).$metadata?.httpStatusCode !== 404) {
      throw new UserError(`S3 at ${env.S3_ENDPOINT}: bucket ${Bucket} cannot be used: ${messageOf(error)}`);
    }
    await client.send(new CreateBucketCommand({ Bucket }));
    return true;
  } finally {
    client.destroy();
  }
}
