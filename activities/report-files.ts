/** Small objects over the streaming object store: reports, and the sizes of what services wrote. */
import { Readable } from 'node:stream';
import type { ObjectStore } from '../src/storage/object-store';
import { readSmallJson } from '../src/storage/small-json';
import type { ReportFiles } from './write-report';

export class StoredFiles implements ReportFiles {
  constructor(private readonly store: ObjectStore) {}

  async write(key: string, text: string, contentType: string): Promise<void> {
    await this.store.upload(key, Readable.from([Buffer.from(text, 'utf8')]), contentType).done;
  }

  readJson(key: string): Promise<unknown> {
    return readSmallJson(this.store, key);
  }

  /** Bytes; 0 when there is no such object. */
  async sizeOf(key: string): Promise<number> {
    const object = await this.store.read(key);
    object?.body.destroy();
    return object?.size ?? 0;
  }
}
