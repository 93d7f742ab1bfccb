// @ts-check
// What is held outside the rows: I4 nothing works for a task that rests, I5 objects are as their rows say, I9 histories stay short.

import { isOurs, isUpload, ownersOf } from './keys.mjs';

/** @typedef {import('./facts.mjs').Check} Check */

const REST_MS = 5000;
/** How long after its mark the bytes of a collected data set may still be there. */
const REMOVED_AFTER_MS = 60_000;
const MAX_RUN_EVENTS = 2048;
const MAX_RUN_BYTES = 2 * 1024 * 1024;

const ENDED = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);
const AT_REST = new Set(['SUSPENDED', ...ENDED]);

/** @type {Check} */
export function restingTasksHoldNothing({ now, tasks, events, jobs, processes, openUploads }) {
  const lastChange = new Map(events.map(({ taskId, createdAt }) => [taskId, createdAt.getTime()]));
  const resting = new Set(
    tasks
      .filter(({ taskId, status }) => AT_REST.has(status) && now - (lastChange.get(taskId) ?? 0) > REST_MS)
      .map(({ taskId }) => taskId),
  );
  const jobOf = new Map(jobs.map((job) => [job.jobId, job]));
  const working = jobs
    .filter(({ taskId, state }) => resting.has(taskId) && (state === 'queued' || state === 'running'))
    .map(({ service, jobId, taskId, state }) => `${service} has ${jobId} ${state} for ${taskId}, which rests`);
  const alive = processes.flatMap(({ pid, service, folder }) => {
    const job = jobOf.get(folder);
    if (job && resting.has(job.taskId))
      return [`process ${pid} of the ${service} works for ${job.taskId}, which rests`];
    const isOver = !job || (job.finishedAt !== null && now - job.finishedAt > REST_MS);
    return isOver ? [`process ${pid} of the ${service} works for ${folder}, a job that is over or unknown`] : [];
  });
  const open = openUploads
    .filter(({ key }) => ownersOf(key).some((owner) => resting.has(owner)))
    .map(({ key }) => `${key} is still being uploaded, and its task rests`);
  return [...working, ...alive, ...open];
}

/** @param {Date | null} collectedAt @param {number} now */
const isOlder = (collectedAt, now) => collectedAt !== null && now - collectedAt.getTime() > REMOVED_AFTER_MS;

/** @param {number} milliseconds */
const hours = (milliseconds) => `${Number((milliseconds / 3_600_000).toFixed(2))} h`;

/** @type {Check} */
export function objectsAreAsTheirRowsSay({ now, datasets, tasks, objects, hashes, openUploads, bounds }) {
  const present = datasets.filter(({ isDeleted, collectedAt }) => !isDeleted && !collectedAt);
  const wrong = present.flatMap(({ datasetId, storagePath, fileSize, sha256, isOptimized }) => {
    const object = objects.get(storagePath);
    if (!object) return [`${datasetId}: ${storagePath} is not there`];
    // The row of an optimised data set tells the size of its manifest, and the hash of its rows.
    if (object.size !== fileSize) return [`${datasetId}: ${storagePath} has ${object.size} bytes, not ${fileSize}`];
    const hash = hashes.get(storagePath);
    return isOptimized || hash === sha256 ? [] : [`${datasetId}: ${storagePath} has the sha256 ${hash}, not ${sha256}`];
  });
  // The mark comes first, so that nobody reads what is about to go; what a pass could not remove has no mark's excuse for long.
  const kept = datasets
    .filter(({ collectedAt, storagePath }) => isOlder(collectedAt, now) && objects.has(storagePath))
    .map(
      ({ datasetId, storagePath }) => `${datasetId}: ${storagePath} is there, and retention has said that it is gone`,
    );
  const owners = new Set([...datasets.map(({ datasetId }) => datasetId), ...tasks.map(({ taskId }) => taskId)]);
  const unowned = [...objects]
    .filter(([key, { modifiedAt }]) => isOurs(key) && now - modifiedAt > bounds.objectMs)
    .filter(([key]) => !ownersOf(key).some((owner) => owners.has(owner)))
    .map(([key]) => `${key} belongs to nothing, for more than ${hours(bounds.objectMs)}`);
  const running = new Set(tasks.filter(({ status }) => !ENDED.has(status)).map(({ taskId }) => taskId));
  /** @param {string} key */
  const boundOf = (key) => {
    if (isUpload(key)) return bounds.uploadMs;
    return ownersOf(key).some((owner) => running.has(owner)) ? bounds.partsOfRunningMs : bounds.partsMs;
  };
  const abandoned = openUploads
    .filter(({ key, startedAt }) => isOurs(key) && now - startedAt > boundOf(key))
    .map(({ key }) => `${key} is being uploaded for more than ${hours(boundOf(key))}`);
  return [...wrong, ...kept, ...unowned, ...abandoned];
}

/** @type {Check} */
export function historiesStayShort({ runs }) {
  return runs
    .filter(({ events, bytes }) => events > MAX_RUN_EVENTS || bytes > MAX_RUN_BYTES)
    .map(({ workflowId, runId, events, bytes }) => `${workflowId} run ${runId} has ${events} events, ${bytes} bytes`);
}
