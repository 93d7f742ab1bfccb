/**
 * The S3 adapter of `ObjectStore`, for any S3 (MinIO, AWS, versitygw). 8 MiB parts, four in flight: about 32 MiB of memory an
 * upload, whatever its size. Not covered: retries of a whole upload; the client sends it again.
 */
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  NoSuchKey,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ListedObject, ObjectStore, OpenUpload, PendingUpload, StoredObject } from './object-store';

const PART_BYTES = 8 * 1024 ** 2;
const PARTS_IN_FLIGHT = 4;
const CONNECT_MS = 5_000;
/** A server that is silent this long in the middle of a request has stalled. Putting a large object together can take a minute. */
const STALL_MS = 120_000;
const PING_MS = 3_000;
/** Until the headers of a read come, the wait for a connection included; three tries of this must not keep people waiting for long. */
const READ_MS = 4_000;
/** Slow clients hold one for each object that they read. */
const MOST_CONNECTIONS = 500;
/** Cleaning up is tried again by the sweeper; who waits for it holds an upload's slot. */
const CLEAN_UP_MS = 10_000;

export interface S3Options {
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  bucket: string;
  /** How long the server may be silent in a request before it fails. */
  stallMs?: number;
  /** How long a read may wait for its first answer, three times. */
  readMs?: number;
}

export class S3ObjectStore implements ObjectStore {
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly readMs: number;

  constructor(options: S3Options) {
    this.bucket = options.bucket;
    this.readMs = options.readMs ?? READ_MS;
    this.client = new S3Client({
      endpoint: options.endpoint,
      region: options.region,
      forcePathStyle: true,
      credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
      requestHandler: {
        httpAgent: { maxSockets: MOST_CONNECTIONS },
        httpsAgent: { maxSockets: MOST_CONNECTIONS },
        connectionTimeout: CONNECT_MS,
        socketTimeout: options.stallMs ?? STALL_MS,
        throwOnRequestTimeout: true, // Without it a call that takes too long is only warned of.
      },
    });
  }

  upload(key: string, body: Readable, contentType: string): PendingUpload {
    const upload = new Upload({
      client: this.client,
      params: { Bucket: this.bucket, Key: key, Body: body, ContentType: contentType },
      partSize: PART_BYTES,
      queueSize: PARTS_IN_FLIGHT,
      leavePartsOnError: false,
    });
    const done = upload.done().then(() => undefined);
    done.catch(() => undefined); // The owner awaits it too, perhaps later than it fails.
    let discarded: Promise<void> | undefined;
    const discard = (reason: Error): Promise<void> => (discarded ??= this.discard(key, upload, done, body, reason));
    return { done, discard };
  }

  /**
   * The order matters. A paused body never ends, so it is destroyed first, or `abort` waits for it; parts that were in flight may
   * still create the object or the upload, so both are removed only after `done` has settled (aws-sdk-js-v3#5109).
   */
  private async discard(
    key: string,
    upload: Upload,
    done: Promise<void>,
    body: Readable,
    reason: Error,
  ): Promise<void> {
    body.destroy(reason);
    await upload.abort().catch(() => undefined);
    await done.catch(() => undefined);
    const { uploadId } = upload;
    const outcomes = await Promise.allSettled([uploadId && this.abortMultipart(key, uploadId), this.remove(key)]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  private async abortMultipart(key: string, uploadId: string): Promise<void> {
    try {
      await this.client.send(new AbortMultipartUploadCommand({ Bucket: this.bucket, Key: key, UploadId: uploadId }), {
        requestTimeout: CLEAN_UP_MS,
      });
    } catch (error) {
      if (!(error instanceof S3ServiceException && error.name === 'NoSuchUpload')) throw error;
    }
  }

  async read(key: string): Promise<StoredObject | null> {
    try {
      const object = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }), {
        requestTimeout: this.readMs,
      });
      // In Node the SDK's body is a Readable.
      return {
        body: object.Body as Readable,
        size: object.ContentLength ?? 0,
        contentType: object.ContentType ?? null,
      };
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }), { requestTimeout: CLEAN_UP_MS });
  }

  async ping(): Promise<void> {
    await this.client.send(new HeadBucketCommand({ Bucket: this.bucket }), { requestTimeout: PING_MS });
  }

  async ensureBucket(): Promise<void> {
    try {
      await this.client.send(new CreateBucketCommand({ Bucket: this.bucket }));
    } catch (error) {
      const there = ['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'];
      if (error instanceof S3ServiceException && there.includes(error.name)) return;
      // Without the right to create it, a bucket that can be used is enough.
      if (!(error instanceof S3ServiceException && error.name === 'AccessDenied')) throw error;
      await this.ping();
    }
  }

  async removeAll(keys: readonly string[]): Promise<{ key: string; fault: string }[]> {
    if (keys.length === 0) return [];
    const Objects = keys.map((Key) => ({ Key }));
    const { Errors = [] } = await this.client.send(
      new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects, Quiet: true } }),
    );
    return Errors.map(({ Key = '', Code, Message }) => ({ key: Key, fault: Message ?? Code ?? 'unknown' }));
  }

  async *list(prefix: string, after: string | null = null): AsyncIterable<ListedObject[]> {
    let next: { ContinuationToken?: string; StartAfter?: string } | null = after === null ? {} : { StartAfter: after };
    while (next) {
      const page: Awaited<ReturnType<typeof this.listObjects>> = await this.listObjects(prefix, next);
      yield (page.Contents ?? []).flatMap(({ Key, Size, LastModified }) =>
        Key && LastModified ? [{ key: Key, bytes: Size ?? 0, modifiedAt: LastModified }] : [],
      );
      next = page.IsTruncated ? { ContinuationToken: page.NextContinuationToken } : null;
    }
  }

  private listObjects(prefix: string, from: { ContinuationToken?: string; StartAfter?: string }) {
    return this.client.send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ...from }));
  }

  async sweepUploads(prefix: string, before: Date): Promise<number> {
    let swept = 0;
    for await (const upload of this.openUploads(prefix)) {
      if (upload.startedAt >= before) continue;
      await this.endUpload(upload);
      swept += 1;
    }
    return swept;
  }

  endUpload({ key, uploadId }: OpenUpload): Promise<void> {
    return this.abortMultipart(key, uploadId);
  }

  async *openUploads(prefix: string): AsyncIterable<OpenUpload> {
    let marker: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
    while (marker) {
      const page: Awaited<ReturnType<typeof this.listUploads>> = await this.listUploads(prefix, marker);
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key && UploadId && Initiated) yield { key: Key, uploadId: UploadId, startedAt: Initiated };
      }
      marker = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
    }
  }

  private listUploads(prefix: string, marker: { KeyMarker?: string; UploadIdMarker?: string }) {
    return this.client.send(new ListMultipartUploadsCommand({ Bucket: this.bucket, Prefix: prefix, ...marker }));
  }

  /** Closes idle connections. */
  close(): void {
    this.client.destroy();
  }
}
