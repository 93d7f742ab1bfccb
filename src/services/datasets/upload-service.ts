/**
 * Stores an uploaded file and its row. The row is written only after the object is complete, so a data set that can be seen can
 * be read; whatever fails leaves neither object nor parts. The bytes are stored as they are: cleaning is the optimizer's work.
 */
import type { Readable } from 'node:stream';
import type { Caller } from '../../domain/access';
import { AppError } from '../../domain/errors';
import { uploadedDatasetKey } from '../../domain/storage-keys';
import { mayActFor } from '../../policies/access';
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
  readonly discard: (reason: Error) => Promise<void>;
  facts(hints: RecordHints): ContentFacts;
}

interface StoredFile extends FileInFlight {
  datasetId: string;
  ownerId: number;
  key: string;
  file: IncomingFile;
}

export class UploadService {
  private readonly slots = new UploadSlots(CONCURRENT_UPLOADS, MAX_WAIT_MS);

  constructor(
    private readonly datasets: DatasetRepository,
    private readonly users: UserRepository,
    private readonly store: ObjectStore,
  ) {}

  /** Waits until the upload may begin; the answer ends its turn. */
  takeTurn(): Promise<() => void> {
    return this.slots.take();
  }

  /** Starts to store a file. `userId` is the owner as far as the form has named one yet. */
  begin(caller: Caller, userId: number | null, file: IncomingFile): StoredFile {
    const datasetId = newPublicId('dataset');
    const ownerId = userId !== null && mayActFor(caller, userId) ? userId : caller.userId;
    const key = uploadedDatasetKey(ownerId, datasetId);
    const meter = file.stream.pipe(new ContentMeter());
    file.stream.once('error', (error) => meter.destroy(error));
    const upload = this.store.upload(key, meter, file.contentType);
    const discard = (reason: Error): Promise<void> => upload.discard(reason);
    return { datasetId, ownerId, key, file, done: upload.done, discard, facts: (hints) => meter.facts(hints) };
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

  /** Checks who the data set is for: 403 for someone else's, 422 for nobody's. */
  async checkOwner(caller: Caller, userId: number | null): Promise<void> {
    if (userId === null || userId === caller.userId) return;
    if (!mayActFor(caller, userId)) throw new AppError('FORBIDDEN', 'userId: must be your own');
    if (!(await this.users.findById(userId))) throw new AppError('VALIDATION_FAILED', 'userId: there is no such user');
  }

  /** Writes the row of a stored file. */
  async register(stored: StoredFile, fields: UploadFields, facts: ContentFacts): Promise<DatasetRow> {
    if (facts.bytes === 0) throw new AppError('VALIDATION_FAILED', 'file: is empty');
    if (fields.userId !== null && fields.userId !== stored.ownerId) {
      throw new AppError('VALIDATION_FAILED', 'userId: must stand before the file in the form when it is not your own');
    }
    return this.datasets.create({
      datasetId: stored.datasetId,
      name: fields.name,
      datasetType: fields.datasetType,
      storagePath: stored.key,
      fileSize: BigInt(facts.bytes),
      sampleCount: facts.sampleCount,
      sha256: facts.sha256,
      fileName: stored.file.fileName,
      contentType: stored.file.contentType,
      format: fields.format,
      columns: fields.columns,
      domain: fields.domain,
      userId: stored.ownerId,
    });
  }
}
