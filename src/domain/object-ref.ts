/** An object in the bucket, by key, with the digest the reader must find. */
export interface ObjectRef {
  key: string;
  /** Hexadecimal. */
  sha256: string;
}
