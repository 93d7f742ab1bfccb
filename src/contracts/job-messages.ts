/** What the messages of several services share. Types only. */
import type { ObjectRef } from '../domain/object-ref';
import type { Operators } from '../domain/operators';

export type { ObjectRef, Operators };
export type ServiceName = 'optimizer' | 'trainer' | 'evaluator';
export type TaskType = 'classification' | 'generation';

/** Which phase of the loop a job belongs to. `final` is the one evaluation on the sealed test rows, when the task ends. */
export type JobPhase = 'optimization' | 'training' | 'evaluation' | 'final';

/** Rows of one split role, as Parquet. */
export interface RowsRef extends ObjectRef {
  rows: number;
}

/** An uploaded file as the user gave it. `format` and `columns` are null where they are to be detected. */
export interface SourceFile {
  datasetId: string;
  key: string;
  sha256: string;
  format: 'csv' | 'tsv' | 'jsonl' | 'parquet' | null;
  /** Role of a column → its name in the file, or its number from 0 in a file without header. */
  columns: Record<string, string | number> | null;
}

/** Fields every job request carries. */
export interface JobRequestBase {
  /** `<taskId>/<iteration>/<phase>/<segment>`; the same key and body always answer with the same job. */
  jobKey: string;
  taskId: string;
  iteration: number;
  segment: number;
  seed: number;
  /** Where the job writes; its manifest goes to `<outputPrefix>manifest.json`, last. */
  outputPrefix: string;
  /** Where earlier segments of the same phase wrote, newest first; absent in a first one. What they have finished or saved is not done again. */
  earlierPrefixes?: string[];
}

export type ImprovementKind = 'select' | 'fix' | 'generate' | 'augment' | 'format' | 'replay' | 'collect' | 'none';
