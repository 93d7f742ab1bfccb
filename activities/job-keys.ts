/** Which object keys a job may name in its result: those below the prefixes it was given, and those it was given itself. */
import type { JobRequestBase } from '../src/contracts/jobs';
import { keysNamedBy } from '../src/domain/named-keys';
import { sealedPrefix } from '../src/domain/storage-keys';

/** The keys of `result` that do not belong to the task of `request`. */
export function foreignKeys(request: JobRequestBase, result: unknown): string[] {
  const given = new Set(keysNamedBy(request));
  const earlier = request.earlierPrefixes ?? [];
  const folders = [request.outputPrefix, ...earlier, ...prefixesIn(request), ...[...given].map(folderOf)];
  return keysNamedBy(result).filter((key) => !given.has(key) && !folders.some((folder) => key.startsWith(folder)));
}

/** A job may refer to what lies beside what it was given: the files of a manifest, an earlier iteration's rows. */
function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** Of the sealed rows all that are the task's: those of iteration 0, or of a segment that is taken over, lie beside a later one's own. */
function prefixesIn(request: JobRequestBase): string[] {
  if (!('sealedPrefix' in request && typeof request.sealedPrefix === 'string')) return [];
  return [request.sealedPrefix, sealedPrefix(request.taskId)];
}
