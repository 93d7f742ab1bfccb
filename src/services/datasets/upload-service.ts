/**
 * Stores an uploaded file and its row. The row is written only after the object is complete, so a data set that can be seen can
 * be read; whatever fails leaves neither object nor parts, unless its row may be there. The bytes are stored as they are: cleaning is
 * the optimizer's work. Not covered: an object store that fails while it is cleaned up; parts that stay are ended by the sweeper, a
 * whole object is removed by retention.
 */
import type { Readable } from 'node:stream';
import type { Alongside } from '../../db';
import type { Caller } from '../../domain/access';
import { AppError, CommitInDoubt, invalidField } from '../../domain/errors';
import { uploadedDatasetKey } from '../../domain/storage-keys';
import type { Logger } from '../../logger';
import { mayActFor } from '../../policies/access';
import { ownerFor } from '../../policies/owner';
import type { DatasetRepository, DatasetRow } from '../../repositories/datasets';
import type { UserRepository } from '../../repositories/users';
import type { ObjectStore } from '../../storage/object-store';
import { newPublicId } from '../public-ids';
import { ContentMeter, type ContentFacts } from './content-meter';
import type { RecordHints } from './record-counter';
import { UploadSlots } from './upload-slots';

const CONCURRENT_UPLOADS = 16;
const MAX_WAIT_MS = 30_000;

/** What the form says about the file, checked. */
export interface UploadFields extends RecordHints {
  name: string;
  datasetType: 'training' | 'validation' | 'test' | 'pool';
  domain: string | null;
  userId: number | null;
}

/** A file that arrives. */
export interface IncomingFile {
  stream: Readable;
  fileName: string | null;
  contentType: string;
}

/** A file on its way to the store. */
export interface FileInFlight {
  /** Settles when all bytes are stored. */
  readonly done: Promise<void>;
  /** Ends it and takes away what is stored. Never rejects: what cannot be taken away is logged. */
  readonly discard: (reason: Error) => Promise<void>;
  facts(hints: RecordHints): ContentFacts;
}

interface StoredFile extends FileInFlight {
  datasetId: string;
  key: string;
  file: IncomingFile;
}

export class UploadService {
  private readonly slots = new UploadSlots(CONCURRENT_UPLOADS, MAX_WAIT_MS);

  constructor(
    private readonly datasets: DatasetRepository,
    private readonly users: UserRepository,
    private readonly store: ObjectStore,
    private readonly logger: Logger,
  ) {}

  /** Waits until the upload may begin; the answer ends its turn. */
  takeTurn(): Promise<() => void> {
    return this.slots.take();
  }

  /** Starts to store a file. `userId` is the owner as far as the form has named one yet. */
  begin(caller: Caller, userId: number | null, file: IncomingFile): StoredFile {
    const datasetId = newPublicId('dataset');
    const likelyOwner = userId !== null && mayActFor(caller, userId) ? userId : caller.userId;
    const key = uploadedDatasetKey(likelyOwner, datasetId);
    const meter = file.stream.pipe(new ContentMeter());
    file.stream.once('error', (error) => meter.destroy(error));
    return { datasetId, file, facts: (hints) => meter.facts(hints), ...this.put(key, meter, file.contentType) };
  }

  /** Reads a file without storing it, for a repeated call. */
  measure(file: IncomingFile): FileInFlight {
    const meter = file.stream.pipe(new ContentMeter());
    file.stream.once('error', (error) => meter.destroy(error));
    const done = new Promise<void>((resolve, reject) => meter.resume().once('end', resolve).once('error', reject));
    done.catch(() => undefined);
    const discard = (reason: Error): Promise<void> => {
      meter.destroy(reason);
      return Promise.resolve();
    };
    return { done, discard, facts: (hints) => meter.facts(hints) };
  }

  /** Writes the row of a stored file. 403 for someone else's `userId`, 422 for nobody's and for an empty file. */
  async register(
    caller: Caller,
    stored: StoredFile,
    fields: UploadFields,
    facts: ContentFacts,
    alongside?: Alongside<DatasetRow>,
  ): Promise<DatasetRow> {
    const userId = await ownerFor(caller, fields.userId, this.users);
    if (facts.bytes === 0) throw invalidField('file', 'is empty');
    const key = uploadedDatasetKey(userId, stored.datasetId);
    if (key === stored.key) return this.createRow(userId, stored, fields, facts, alongside);
    // The owner was named after the file. Through here, since copying inside the store is limited to 5 GiB.
    const copy = await this.copy(stored, key);
    try {
      const row = await this.createRow(userId, { ...stored, key }, fields, facts, alongside);
      await stored.discard(new Error('the file has moved to its owner'));
      return row;
    } catch (error) {
      await copy.discard(error as Error);
      throw error;
    }
  }

  private async copy({ key: from, file }: StoredFile, key: string): Promise<Pick<StoredFile, 'discard'>> {
    const object = await this.store.read(from);
    if (!object) throw new AppError('STORAGE_UNAVAILABLE', 'the file was stored, but cannot be read again; try again');
    const copy = this.put(key, object.body, file.contentType);
    try {
      await copy.done;
    } catch (error) {
      await copy.discard(error as Error);
      throw error;
    }
    return copy;
  }

  private put(key: string, body: Readable, contentType: string): Pick<StoredFile, 'key' | 'done' | 'discard'> {
    const upload = this.store.upload(key, body, contentType);
    const discard = async (reason: Error): Promise<void> => {
      if (reason instanceof CommitInDoubt) {
        this.logger.warn(
          { key, err: reason },
          'an upload stays whose row may be there; retention removes it otherwise',
        );
        return;
      }
      await upload.discard(reason).catch((error: unknown) => {
        this.logger.warn({ key, err: error }, 'an upload that failed could not be taken out of the object store');
      });
    };
    return { key, done: upload.done, discard };
  }

  private createRow(
    userId: number,
    { datasetId, key, file }: StoredFile,
    fields: UploadFields,
    facts: ContentFacts,
    alongside?: Alongside<DatasetRow>,
  ): Promise<DatasetRow> {
    const row = {
      datasetId,
      name: fields.name,
      datasetType: fields.datasetType,
      storagePath: key,
      fileSize: BigInt(facts.bytes),
      sampleCount: facts.sampleCount,
      sha256: facts.sha256,
      fileName: file.fileName,
      contentType: file.contentType,
      format: fields.format,
      columns: fields.columns,
      domain: fields.domain,
      userId,
    };
    return this.datasets.create(row, alongside);
  }
}
