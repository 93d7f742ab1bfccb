// @ts-check
// The stack's bucket, made when it is not there, and on our own server the accounts of the services.
import { ensureBucket, grantAccess, ownerClient } from '../../deploy/s3/bucket.mjs';
import { messageOf, UserError } from '../shared/errors.mjs';

/**
 * @param {NodeJS.ProcessEnv} env S3_* variables, all set
 * @param {import('../../deploy/s3/bucket.mjs').ServiceKeys} [keys] accounts to make; none on a server that is not ours
 * @throws {UserError} when the server refuses the keys or cannot be reached
 */
export async function prepareBucket(env, keys) {
  const { S3_ENDPOINT: endpoint = '', S3_REGION: region = '', S3_BUCKET: bucket = '' } = env;
  const root = { accessKeyId: env.S3_ACCESS_KEY_ID ?? '', secretAccessKey: env.S3_SECRET_ACCESS_KEY ?? '' };
  const server = { endpoint, region, root };
  const client = ownerClient(server);
  try {
    await ensureBucket(client, bucket);
    if (keys) await grantAccess(server, client, bucket, keys);
  } catch (error) {
    throw new UserError(`S3 at ${endpoint}: bucket ${bucket} cannot be used: ${messageOf(error)}`);
  } finally {
    client.destroy();
  }
}
