/** The object store as the control centre needs it. Bytes only ever stream through; nothing here holds a whole object. */
import type { Readable } from 'node:stream';

export interface StoredObject {
  body: Readable;
  /** Bytes. */
  size: number;
  contentType: string | null;
}

/** An object as a listing shows it. */
export interface ListedObject {
  key: string;
  bytes: number;
  modifiedAt: Date;
}

/** An upload in parts that nobody has completed or ended. */
export interface OpenUpload {
  key: string;
  uploadId: string;
  startedAt: Date;
}

/** An upload under way. */
export interface PendingUpload {
  /** Settles when the object is complete and readable, or with the reason why it is not. */
  readonly done: Promise<void>;
  /** Ends the upload and leaves neither an object nor parts behind. `reason` is what the body is destroyed with. Safe to repeat. */
  discard(reason: Error): Promise<void>;
}

export interface ObjectStore {
  /** Starts to store `body` under `key`, in parts, in constant memory. */
  upload(key: string, body: Readable, contentType: string): PendingUpload;
  /** Null when there is no such object. */
  read(key: string): Promise<StoredObject | null>;
  remove(key: string): Promise<void>;
  /** Removes objects, there or not. Answers with those that could not be. */
  removeAll(keys: readonly string[]): Promise<{ key: string; fault: string }[]>;
  /** Objects whose key begins with `prefix`, in order of keys, page by page; only those after `after`, if given. */
  list(prefix: string, after?: string | null): AsyncIterable<ListedObject[]>;
  /** Uploads in parts under `prefix` that are still open. */
  openUploads(prefix: string): AsyncIterable<OpenUpload>;
  /** Ends one; one that is over is none. */
  endUpload(upload: OpenUpload): Promise<void>;
  /** Rejects with the reason when the bucket cannot be used. */
  ping(): Promise<void>;
  /** Creates the bucket where it is missing. */
  ensureBucket(): Promise<void>;
  /** Ends multipart uploads under `prefix` that began before `before`. Returns how many. */
  sweepUploads(prefix: string, before: Date): Promise<number>;
}
