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
