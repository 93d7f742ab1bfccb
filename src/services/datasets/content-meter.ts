/**
 * Watches an upload pass by: bytes, sha256 and records, gzip unpacked on the way for counting only. The bytes themselves go on
 * unchanged. Refused while they are still arriving: a gzip file that unpacks to far more than text ever does, and foreign kinds of file.
 */
import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import type { AppError } from '../../domain/errors';
import { invalidField } from '../../domain/errors';
import { Beginning } from './beginning';
import { foreignKind } from './foreign-file';
import { KIND_BYTES, RecordCounter, type RecordHints } from './record-counter';

/** Text packs at most some twenty to one; deflate can reach a thousand to one only for what is all the same. */
const MAX_UNPACK_RATIO = 200;
const GZIP_MARK = Buffer.from([0x1f, 0x8b]);
const RATIO_APPLIES_FROM_BYTES = 64 * 1024 ** 2;

export interface ContentFacts {
  bytes: number;
  sha256: string;
  sampleCount: number | null;
}

export class ContentMeter extends Transform {
  private readonly hash = createHash('sha256');
  private readonly counter = new RecordCounter();
  private readonly packed = new Beginning(GZIP_MARK.length);
  private readonly content = new Beginning(KIND_BYTES);
  private begun = false;
  private foreign: string | null = null;
  private gunzip: Gunzip | null = null;
  private unpackable = true;
  private unpackedBytes = 0;
  private bytes = 0;

  constructor() {
    super({ highWaterMark: 1024 ** 2 });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    const known = this.packed.add(chunk);
    if (known) this.pass(known, callback);
    else callback();
  }

  override _flush(callback: TransformCallback): void {
    const short = this.packed.release();
    if (short) this.pass(short, (fault, chunk) => (fault ? callback(fault) : this.finish(callback, chunk)));
    else this.finish(callback);
  }

  private pass(chunk: Buffer, callback: (fault: AppError | null, chunk: Buffer) => void): void {
    if (this.bytes === 0 && GZIP_MARK.equals(chunk.subarray(0, 2))) this.gunzip = this.startUnpacking();
    this.bytes += chunk.length;
    this.hash.update(chunk);
    if (!this.gunzip) {
      this.look(this.content.add(chunk));
      callback(this.fault(), chunk);
      return;
    }
    this.unpack(this.gunzip, chunk, () => callback(this.fault(), chunk));
  }

  private finish(callback: TransformCallback, last?: Buffer): void {
    const end = (): void => {
      this.look(this.content.release());
      callback(this.fault(), last);
    };
    if (!this.gunzip || this.gunzip.closed) {
      end();
      return;
    }
    this.gunzip.once('close', end);
    this.gunzip.end();
  }

  /** Looks at a part of the unpacked content; null while its beginning is held back. */
  private look(content: Buffer | null): void {
    if (!content) return;
    if (!this.begun) this.foreign = foreignKind(content);
    this.begun = true;
    this.counter.write(content);
  }

  /** Calls `then` once the chunk is unpacked, or the archive turned out to be broken: a broken stream never answers a write. */
  private unpack(gunzip: Gunzip, chunk: Buffer, then: () => void): void {
    if (gunzip.closed || gunzip.destroyed) {
      then();
      return;
    }
    const broken = (): void => then();
    gunzip.once('close', broken);
    gunzip.write(chunk, (error) => {
      if (error) return; // `close` follows.
      gunzip.removeListener('close', broken);
      then();
    });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.gunzip?.destroy();
    callback(error);
  }

  private startUnpacking(): Gunzip {
    const gunzip = createGunzip();
    gunzip.on('data', (chunk: Buffer) => {
      this.unpackedBytes += chunk.length;
      if (this.fault()) gunzip.removeAllListeners('data').resume();
      else this.look(this.content.add(chunk));
    });
    // A broken archive is stored as it is; the optimizer will say what is wrong with it.
    gunzip.on('error', () => (this.unpackable = false));
    return gunzip;
  }

  private fault(): AppError | null {
    if (this.foreign !== null)
      return invalidField('file', `is ${this.foreign}; upload CSV, TSV, JSONL or Parquet, plain or gzip`);
    const tooMuch = this.unpackedBytes > RATIO_APPLIES_FROM_BYTES && this.unpackedBytes > this.bytes * MAX_UNPACK_RATIO;
    if (!tooMuch) return null;
    return invalidField('file', `unpacks to more than ${MAX_UNPACK_RATIO} times its size; send it unpacked`);
  }

  /** What was seen, once the stream has ended. */
  facts(hints: RecordHints): ContentFacts {
    const sampleCount = this.unpackable ? this.counter.count(hints) : null;
    return { bytes: this.bytes, sha256: this.hash.copy().digest('hex'), sampleCount };
  }
}
