/** Small JSON objects over the streaming object store. */
import { json } from 'node:stream/consumers';
import type { ObjectStore } from './object-store';

/** An evaluation's report holds figures and a bounded list of bad cases; what is larger is something else. */
const MAX_JSON_BYTES = 8 * 1024 ** 2;

/** Null when there is no such object, or one larger than a report may be. Throws `SyntaxError` when it is not JSON. */
export async function readSmallJson(store: ObjectStore, key: string): Promise<unknown> {
  const object = await store.read(key);
  if (!object) return null;
  if (object.size <= MAX_JSON_BYTES) return json(object.body);
  object.body.destroy();
  return null;
}
