/**
 * What in the bucket somebody may still reach, and why the rest is garbage. Pure: listings and rows in, a reason or null out.
 *
 * Reachable is all of a task that has not ended; of one that has: what its completed trainings and evaluations made, the rows of the
 * champion's and of the last iteration with all that they name, each log, and the reports; and every upload that is not deleted. What is
 * young is left, for its row may not be written yet. Decided by names alone: what a segment took over from an earlier one is named by it.
 */
import {
  attemptOfKey,
  checkpointFolderOf,
  isOptimizationRecord,
  reportKeys,
  segmentOfManifest,
  STORAGE_ROOTS,
} from './storage-keys';

export const GARBAGE_REASONS = {
  'no-row': 'below a task or data set that the database does not know',
  'deleted-upload': 'a deleted upload that no task needs any more',
  'iteration-rows': 'rows of an iteration that is neither the champion’s nor the last, of a task that ended long ago',
  unfinished: 'of a job that failed, was cancelled or lost, of a task that ended long ago',
  superseded: 'of an attempt that another one of the same job overtook',
  checkpoint: 'a checkpoint of a finished training',
} as const;

export type GarbageReason = keyof typeof GARBAGE_REASONS;

export interface RetentionRules {
  now: Date;
  /** What is younger, or of a task that ended later, is left. */
  graceMs: number;
  /** How long after its task's end something is kept that only the task had needed. */
  retentionMs: number;
}

export interface ObjectFacts {
  key: string;
  modifiedAt: Date;
}

/** An upload's row, and the tasks that were given it. */
export interface UploadUse {
  deletedAt: Date | null;
  /** Whether one of them has not ended, and when the last of the others did. */
  isUsed: boolean;
  lastUsedAt: Date | null;
}

/** What an execution's row names in the bucket. */
export interface NamedByExecution {
  phase: 'optimization' | 'training' | 'evaluation';
  iteration: number;
  isCompleted: boolean;
  outputDatasetId: string | null;
  /** Of an optimization: its training rows. */
  trainKey: string | null;
  /** In its result. */
  keys: string[];
  /** In its failure: a checkpoint to go on from. */
  failureKeys: string[];
}

export interface TaskNames {
  /** Null while it has not ended. */
  endedAt: Date | null;
  currentDatasetId: string | null;
  championIteration: number | null;
  /** In columns of the task itself. */
  keys: string[];
  failureKeys: string[];
  executions: readonly NamedByExecution[];
  /** Data sets that its user deleted. */
  deletedDatasetIds: readonly string[];
}

/** The part of the bucket that a task's rows reach. */
export interface Reach {
  endedAt: Date | null;
  reports: ReadonlySet<string>;
  keys: ReadonlySet<string>;
  /** Of attempts: all but checkpoints is reached. Of checkpoints: all is. */
  folders: ReadonlySet<string>;
  /** Of optimizations whose rows need not be kept. */
  recordFolders: ReadonlySet<string>;
  /** Those in which some attempt committed its result. */
  segments: ReadonlySet<string>;
}

/** What a task's rows reach. */
export function reachOf(taskId: string, task: TaskNames): Reach {
  const keys = new Set(task.keys);
  const folders = new Set<string>();
  const recordFolders = new Set<string>();
  const reachFolderOf = (key: string): void => {
    const attempt = attemptOfKey(key);
    if (attempt) folders.add(attempt.folder);
  };
  task.keys.forEach(reachFolderOf);
  const keptDatasetIds = datasetsToKeep(task);
  for (const { phase, isCompleted, outputDatasetId, trainKey, keys: named } of task.executions) {
    if (!isCompleted) continue;
    if (phase !== 'optimization') {
      named.forEach((key) => keys.add(key));
      named.forEach(reachFolderOf);
      continue;
    }
    // The rows that decide scores lie apart from the data set, and serve every iteration.
    named.filter(isSealed).forEach((key) => (keys.add(key), reachFolderOf(key)));
    const folder = trainKey === null ? undefined : attemptOfKey(trainKey)?.folder;
    if (folder !== undefined) recordFolders.add(folder);
    if (outputDatasetId === null || !keptDatasetIds.has(outputDatasetId)) continue;
    // Of other iterations' data sets only the very files, such as the frozen split.
    named.forEach((key) => keys.add(key));
    if (folder !== undefined) folders.add(folder);
  }
  for (const key of [...task.failureKeys, ...task.executions.flatMap(({ failureKeys }) => failureKeys)]) {
    keys.add(key);
    const checkpoint = checkpointFolderOf(key);
    if (checkpoint) folders.add(checkpoint);
  }
  const attempts = [...folders, ...recordFolders].filter((folder) => !checkpointFolderOf(folder));
  const { json, html } = reportKeys(taskId);
  return {
    ...{ endedAt: task.endedAt, reports: new Set([json, html]), keys, folders, recordFolders },
    segments: new Set(attempts.map((folder) => attemptOfKey(folder)?.segment ?? folder)),
  };
}

/** The last iteration's and the champion's, unless their user deleted them. */
function datasetsToKeep({
  currentDatasetId,
  championIteration,
  executions,
  deletedDatasetIds,
}: TaskNames): Set<string> {
  const ofChampion = executions.filter(
    ({ phase, iteration, isCompleted }) => phase === 'optimization' && iteration === championIteration && isCompleted,
  );
  const ids = [currentDatasetId, ...ofChampion.map(({ outputDatasetId }) => outputDatasetId)];
  return new Set(ids.filter((id) => id !== null && !deletedDatasetIds.includes(id)) as string[]);
}

const isSealed = (key: string): boolean => key.startsWith(STORAGE_ROOTS[3]);

const isOver = (since: Date, waitMs: number, now: Date): boolean => now.getTime() - since.getTime() >= waitMs;

/** Why nobody can reach an upload's bytes; null when somebody may. `use` is null when there is no row. */
export function uploadGarbage(
  { modifiedAt }: ObjectFacts,
  use: UploadUse | null,
  rules: RetentionRules,
): GarbageReason | null {
  const { now, graceMs, retentionMs } = rules;
  if (!isOver(modifiedAt, graceMs, now)) return null;
  if (!use) return 'no-row';
  if (use.deletedAt === null || use.isUsed) return null;
  return use.lastUsedAt === null || isOver(use.lastUsedAt, retentionMs, now) ? 'deleted-upload' : null;
}

/** Why nobody can reach an object of a task; null when somebody may. `reach` is null when the task has no row. */
export function taskGarbage(
  { key, modifiedAt }: ObjectFacts,
  reach: Reach | null,
  rules: RetentionRules,
): GarbageReason | null {
  const { now, graceMs, retentionMs } = rules;
  if (!isOver(modifiedAt, graceMs, now)) return null;
  if (!reach) return 'no-row';
  if (reach.endedAt === null || !isOver(reach.endedAt, graceMs, now)) return null;
  const reason = unreached(key, reach);
  // What a finished job left beside its result serves nothing; the rest may still tell people why a task went as it did.
  if (reason === 'checkpoint' || reason === 'superseded') return reason;
  return isOver(reach.endedAt, retentionMs, now) ? reason : null;
}

function unreached(key: string, { reports, keys, folders, recordFolders, segments }: Reach): GarbageReason | null {
  if (reports.has(key) || keys.has(key)) return null;
  const attempt = attemptOfKey(key);
  const checkpoint = checkpointFolderOf(key);
  if (checkpoint) {
    if (folders.has(checkpoint)) return null;
    return attempt && folders.has(attempt.folder)
      ? 'checkpoint'
      : attempt && segments.has(attempt.segment)
        ? 'superseded'
        : 'unfinished';
  }
  if (!attempt) return segments.has(segmentOfManifest(key) ?? '') ? null : 'unfinished';
  if (folders.has(attempt.folder)) return null;
  if (recordFolders.has(attempt.folder)) return isOptimizationRecord(key) ? null : 'iteration-rows';
  return segments.has(attempt.segment) ? 'superseded' : 'unfinished';
}
