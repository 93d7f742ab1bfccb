// @ts-check
// What each Python service may do in the bucket, as a bucket policy: so much that its jobs run, and no more. Keys are those of
// src/domain/storage-keys.ts. Nobody may list; the API and the worker use the bucket owner's account, which needs no policy.

/** The services that have an account of their own. */
export const STORAGE_SERVICES = /** @type {const} */ (['optimizer', 'trainer', 'evaluator']);

/** The rows that decide scores, and what a model made of them row by row. */
const SEALED = 'evaluations/*/sealed/*';

/**
 * `reads` covers the length of an object as well; `writes` the parts of a large upload.
 * @type {Record<StorageService, { reads: string[], writes: string[], deletes?: string[] }>}
 */
const GRANTS = {
  // Writes the sealed rows once and cannot read them back; of what the evaluator says it reads the improvements and the pool's margins alone.
  optimizer: {
    reads: ['datasets/*', 'optimized/*', 'evaluations/*/improvements.json', 'evaluations/*/pool-margins.parquet'],
    writes: ['optimized/*', SEALED],
  },
  trainer: {
    reads: ['optimized/*', 'models/*'],
    writes: ['models/*'],
    deletes: ['models/*/checkpoint-*'],
  },
  evaluator: {
    reads: ['optimized/*', 'models/*', 'evaluations/*'],
    writes: ['evaluations/*'],
  },
};

/**
 * @typedef {(typeof STORAGE_SERVICES)[number]} StorageService
 * @typedef {Record<StorageService, string>} Principals how the S3 server calls each account; an access key id with versitygw, an ARN on AWS
 */

/**
 * @param {string} bucket
 * @param {Principals} principals
 * @returns a bucket policy; `Deny` also holds against what somebody allows later
 */
export function bucketPolicy(bucket, principals) {
  const keys = (/** @type {string[]} */ patterns) => patterns.map((pattern) => `arn:aws:s3:::${bucket}/${pattern}`);
  const statement = (
    /** @type {string} */ Sid,
    /** @type {'Allow' | 'Deny'} */ Effect,
    /** @type {readonly StorageService[]} */ services,
    /** @type {string[]} */ Action,
    /** @type {string[]} */ Resource,
  ) => ({ Sid, Effect, Principal: { AWS: services.map((service) => principals[service]) }, Action, Resource });

  return {
    Version: '2012-10-17',
    Statement: [
      ...STORAGE_SERVICES.flatMap((service) => {
        const { reads, writes, deletes } = GRANTS[service];
        return [
          statement(`${service}Reads`, 'Allow', [service], ['s3:GetObject'], keys(reads)),
          statement(`${service}Writes`, 'Allow', [service], ['s3:PutObject', 's3:AbortMultipartUpload'], keys(writes)),
          ...(deletes ? [statement(`${service}Deletes`, 'Allow', [service], ['s3:DeleteObject'], keys(deletes))] : []),
        ];
      }),
      statement(
        'sealedRowsAreForTheEvaluator',
        'Deny',
        ['optimizer', 'trainer'],
        ['s3:GetObject', 's3:DeleteObject'],
        keys([SEALED]),
      ),
      // What the services ask to tell whether they are ready.
      statement('bucketIsThere', 'Allow', STORAGE_SERVICES, ['s3:GetBucketLocation'], [`arn:aws:s3:::${bucket}`]),
    ],
  };
}
