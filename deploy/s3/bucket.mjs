// @ts-check
// The bucket, and who may do what in it. Used by the stack and by the compose file's job.
import { CreateBucketCommand, HeadBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { ensureAccount } from './accounts.mjs';
import { bucketPolicy, STORAGE_SERVICES } from './policy.mjs';

/**
 * @typedef {import('./accounts.mjs').Server} Server
 * @typedef {Record<import('./policy.mjs').StorageService, import('./accounts.mjs').Keys>} ServiceKeys
 */

/** @param {Server} server @returns {S3Client} of the bucket's owner; to be destroyed */
export function ownerClient({ endpoint, region, root }) {
  return new S3Client({ endpoint, region, forcePathStyle: true, credentials: root });
}

/**
 * @param {S3Client} client
 * @param {string} bucket
 * @returns {Promise<boolean>} true when it was made now, false when it was there
 * @throws what the server answered when neither holds
 */
export async function ensureBucket(client, bucket) {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return false;
  } catch (error) {
    if (/** @type {{ $metadata?: { httpStatusCode?: number } }} */ (error).$metadata?.httpStatusCode !== 404)
      throw error;
  }
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return true;
}

/**
 * Gives each service its account in a versitygw and the bucket the policy that goes with them. Safe to repeat: secrets and policy
 * are then those of the last call.
 * @param {Server} server
 * @param {S3Client} client the owner's
 * @param {string} bucket
 * @param {ServiceKeys} keys
 */
export async function grantAccess(server, client, bucket, keys) {
  for (const service of STORAGE_SERVICES) await ensureAccount(server, keys[service]);
  const principals = /** @type {import('./policy.mjs').Principals} */ (
    Object.fromEntries(STORAGE_SERVICES.map((service) => [service, keys[service].accessKeyId]))
  );
  await client.send(
    new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(bucketPolicy(bucket, principals)) }),
  );
}
