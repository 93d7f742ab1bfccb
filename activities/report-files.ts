/** Small objects over the streaming object store: reports, and the sizes of what services wrote. */
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import type { ObjectStore } from '../src/storage/object-store';
import type { ReportFiles } from './write-report';

/** An evaluation's report holds figures and a bounded list of bad cases; what is larger is something else. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

export class StoredFiles implements ReportFiles {
  constructor(private readonly store: ObjectStore) {}

  async write(key: string, text: string, contentType: string): Promise<void> {
    await this.store.upload(key, Readable.from([Buffer.from(text, 'utf8')]), contentType).done;
  }

  async readJson(key: string): Promise<unknown> {
    const object = await this.store.read(key);
    if (!object) return null;
    if (object.size > MAX_JSON_BYTES) {
      object.body.destroy();
      return null;
    }
    return json(object.body);
  }

  /** Bytes; 0 when there is no such object. */
  async sizeOf(key: string): Promise<number> {
    const object = await this.store.read(key);
    object?.body.destroy();
    return object?.size ?? 0;
  }
}
