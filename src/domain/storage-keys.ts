/**
 * The bucket layout, and the only place that spells an object key. Senders build keys here; receivers use the keys they are
 * given and never rebuild one. Keys hold generated ids only: a user's file name is a label in PostgreSQL, not part of a path.
 */

/** Where the bytes of an upload live: `datasets/{userId}/{datasetId}/raw`. */
export function uploadedDatasetKey(userId: number, datasetId: string): string {
  return `datasets/${userId}/${datasetId}/raw`;
}

/** Prefix of everything the optimizer writes for one optimised data set. */
export function optimizedPrefix(datasetId: string): string {
  return `optimized/${datasetId}/`;
}

/** Prefix of the rows that decide scores; written once by the optimizer, read by the evaluator only. */
export function sealedPrefix(taskId: string): string {
  return `evaluations/${taskId}/sealed/`;
}

/** Prefix of one training segment's checkpoints and weights. */
export function modelPrefix(taskId: string, iteration: number, segment: number): string {
  return `models/${taskId}/${iteration}/s${segment}/`;
}

/** Prefix of one evaluation's report, predictions and improvements. `final` is the one read of the sealed test rows. */
export function evaluationPrefix(taskId: string, iteration: number | 'final', segment: number): string {
  return `evaluations/${taskId}/${iteration}/s${segment}/`;
}

/** The task's report, as JSON and as one self-contained page. */
export function reportKeys(taskId: string): { json: string; html: string } {
  return { json: `evaluations/${taskId}/report.json`, html: `evaluations/${taskId}/report.html` };
}

/** Id of the data set the optimizer makes in one iteration; a phase that had to start anew gets an id of its own. */
export function optimizedDatasetId(taskId: string, iteration: number, segment: number): string {
  const own = taskId.replace(/^task_/, '');
  return segment === 0 ? `dataset_${own}_i${iteration}` : `dataset_${own}_i${iteration}_s${segment}`;
}

/** The parts of the bucket that are ours; all else is left alone. */
export const STORAGE_ROOTS = ['datasets/', 'optimized/', 'models/', 'evaluations/'] as const;

/** Whose rows say whether an object is wanted. */
export type KeyOwner = { kind: 'upload'; datasetId: string } | { kind: 'task'; taskId: string };

/** The owner that a key of ours names; null for any other key. */
export function ownerOfKey(key: string): KeyOwner | null {
  const upload = /^datasets\/\d+\/(dataset_\w+)\/./.exec(key)?.[1];
  if (upload) return { kind: 'upload', datasetId: upload };
  const own = /^optimized\/dataset_(\w+?)_i\d+(?:_s\d+)?\/./.exec(key)?.[1];
  if (own) return { kind: 'task', taskId: `task_${own}` };
  const taskId = /^(?:models|evaluations)\/(task_\w+)\/./.exec(key)?.[1];
  return taskId ? { kind: 'task', taskId } : null;
}

/** The folder of the attempt that wrote an object, and that of its segment; null for what is not written by an attempt. */
export function attemptOfKey(key: string): { folder: string; segment: string } | null {
  const [, folder, segment] = /^((.*?\/)attempt-\d+\/)/.exec(key) ?? [];
  return folder !== undefined && segment !== undefined ? { folder, segment } : null;
}

/** The folder of the training checkpoint that an object is part of. */
export function checkpointFolderOf(key: string): string | null {
  return /^.*\/checkpoint-\d+\//.exec(key)?.[0] ?? null;
}

/** The prefix of the segment whose manifest this is. */
export function segmentOfManifest(key: string): string | null {
  return /^(.*\/)manifest\.json$/.exec(key)?.[1] ?? null;
}

/** What tells how a data set was made; small, and kept when its rows are not. */
export function isOptimizationRecord(key: string): boolean {
  return /\/log\.(json|html)$/.test(key);
}
