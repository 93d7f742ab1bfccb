// @ts-check
// Gathers the facts from a running stack: its database, its object store, its services' job stores, Temporal, the process table, and the
// logs that clients and faults left. Reads only.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { GetObjectCommand, ListMultipartUploadsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import pg from 'pg';
import { ownerClient } from '../../../deploy/s3/bucket.mjs';
import { UserError } from '../../shared/errors.mjs';
import { databaseAddress } from '../../stack/postgres.mjs';
import { runningStack } from '../../stack/run-file.mjs';
import { ownerKeys } from '../../stack/s3-keys.mjs';
import { loadSecrets } from '../../stack/secrets.mjs';
import { readJsonLines } from '../../shared/json-lines.cjs';
import { FAULT_LOG } from '../../shared/fault-log.cjs';
import { jobProcesses } from '../job-processes.cjs';
import { storedJobs } from '../job-store.cjs';
import { retentionBounds } from './retention-bounds.mjs';

/** @typedef {import('./facts.mjs').Facts} Facts */

/** What the id of a task's workflow begins with. */
const WORKFLOW_PREFIX = 'wlops-task-';
const SERVICES = ['optimizer', 'trainer', 'evaluator'];

/**
 * @param {object} options
 * @param {string} options.dataDir of a stack that runs
 * @param {string} options.python
 * @param {string | undefined} [options.clientLog] JSON lines
 * @param {NodeJS.ProcessEnv} options.env
 * @returns {Promise<Facts>}
 * @throws {UserError} when no stack runs there, or there is no such log
 */
export async function gatherFacts({ dataDir, python, clientLog, env }) {
  const run = runningStack(dataDir);
  if (!run) throw new UserError(`no stack runs on ${dataDir}; start it, for the checker asks its servers`);
  if (clientLog && !fs.existsSync(clientLog)) throw new UserError(`there is no client log ${clientLog}`);
  const secrets = loadSecrets(dataDir, env);
  const { postgres, s3, temporal } = run.processes;
  if (!postgres || !s3 || !temporal) throw new UserError('the checker needs a stack with servers of its own');
  const rows = await databaseFacts(databaseAddress({ port: postgres.port, password: secrets.postgresPassword }));
  const [stored, runs] = await Promise.all([
    storeFacts(
      { endpoint: s3.url, keys: ownerKeys(/** @type {any} */ ({ secrets, env })), bucket: env.S3_BUCKET || 'wlops' },
      rows.datasets,
    ),
    workflowRuns(
      `127.0.0.1:${temporal.port}`,
      env.TEMPORAL_NAMESPACE || 'default',
      rows.tasks.filter(({ startRequestedAt }) => startRequestedAt).map(({ taskId }) => taskId),
    ),
  ]);
  const lines = clientLog ? readJsonLines(clientLog) : [];
  return {
    now: Date.now(),
    hasClientLog: clientLog !== undefined,
    requests: lines.filter((line) => line.method !== undefined),
    markers: lines.filter((line) => line.marker !== undefined),
    ...rows,
    ...stored,
    runs,
    bounds: retentionBounds(env),
    jobs: SERVICES.flatMap((service) =>
      storedJobs(python, path.join(dataDir, 'jobs', `${service}.sqlite`)).map((job) => ({ service, ...job })),
    ),
    processes: jobProcesses(dataDir),
    faults: readJsonLines(path.join(dataDir, FAULT_LOG)),
  };
}

/** @param {string} url */
async function databaseFacts(url) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    // One snapshot: rows and events of the same moment.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const all = async (/** @type {string} */ query) => (await client.query(query)).rows;
    const users = await all('SELECT email FROM users');
    const datasets = await all('SELECT * FROM datasets ORDER BY id');
    const tasks = await all('SELECT * FROM ml_tasks ORDER BY id');
    const executions = await all('SELECT * FROM task_executions ORDER BY id');
    const events = await all('SELECT * FROM task_events ORDER BY id');
    const decisions = await all('SELECT task_id, kind, decided_at, facts FROM task_decisions ORDER BY id');
    await client.query('COMMIT');
    const hashes = new Map(datasets.map(({ dataset_id, sha256 }) => [dataset_id, sha256]));
    return {
      emails: users.map(({ email }) => email),
      datasets: datasets.map((row) => ({
        datasetId: row.dataset_id,
        userId: row.user_id,
        storagePath: row.storage_path,
        fileSize: Number(row.file_size),
        sha256: row.sha256,
        isOptimized: row.is_optimized,
        isDeleted: row.deleted_at !== null,
        collectedAt: row.collected_at,
      })),
      tasks: tasks.map((row) => ({
        taskId: row.task_id,
        userId: row.user_id,
        mode: row.task_mode,
        status: row.status,
        controlState: row.control_state,
        seq: row.seq,
        currentIteration: row.current_iteration,
        startRequestedAt: row.start_requested_at,
        failureCode: row.failure?.code ?? null,
        failureMessage: row.failure?.message ?? null,
        failureIsRetryable: row.failure?.retryable ?? false,
        settings: {
          ...row.hyperparameters,
          maxIterations: row.max_iterations,
          performanceThreshold: row.performance_threshold,
        },
        fingerprint: fingerprint(row, hashes),
      })),
      executions: executions.map((row) => ({
        taskId: row.task_id,
        iteration: row.iteration,
        phase: row.phase,
        segment: row.segment,
        status: row.status,
        seq: row.seq,
        score: row.score,
        weightsSha256: row.details?.weightsSha256 ?? null,
        keys: keysIn(row.details),
      })),
      events: events.map((row) => ({
        taskId: row.task_id,
        id: Number(row.id),
        seq: row.seq,
        type: row.type,
        payload: row.payload,
        createdAt: row.created_at,
      })),
      decisions: decisions.map(({ task_id, kind, decided_at, facts }) => ({
        taskId: task_id,
        kind,
        at: decided_at.getTime(),
        facts,
      })),
    };
  } finally {
    await client.end();
  }
}

/** Hyperparameters that may be edited since they do not change what comes out: I11 holds the API to that. */
const NEUTRAL = new Set(['checkpoint_interval_seconds']);

/** All that decides the result of a task but its end. @param {any} row @param {Map<string, string>} hashes */
function fingerprint(row, hashes) {
  const data = [row.dataset_id, row.validation_dataset_id, row.test_dataset_id, row.pool_dataset_id];
  const parts = [
    row.task_mode,
    row.model_name,
    ...data.map((id) => hashes.get(id) ?? null),
    Object.entries(row.hyperparameters).filter(([name]) => !NEUTRAL.has(name)),
    row.operators,
    row.metric,
    row.seed,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}

/** Every `{key, sha256}` below a value. @param {unknown} value @returns {string[]} */
function keysIn(value) {
  if (value === null || typeof value !== 'object') return [];
  const { key, sha256 } = /** @type {{ key?: unknown, sha256?: unknown }} */ (value);
  const own = typeof key === 'string' && typeof sha256 === 'string' ? [key] : [];
  return [...own, ...Object.values(value).flatMap(keysIn)];
}

/**
 * @param {{ endpoint: string, keys: import('../../../deploy/s3/accounts.mjs').Keys, bucket: string }} place
 * @param {import('./facts.mjs').DatasetFact[]} datasets
 */
async function storeFacts({ endpoint, keys, bucket }, datasets) {
  const client = ownerClient({ endpoint, region: 'us-east-1', root: keys });
  try {
    const objects = new Map();
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
      for (const { Key, Size, LastModified } of page.Contents ?? [])
        objects.set(Key, { size: Size, modifiedAt: LastModified?.getTime() ?? 0 });
    }
    const openUploads = await openUploadsIn(client, bucket);
    const hashes = new Map();
    for (const { storagePath, isOptimized, isDeleted } of datasets) {
      if (isOptimized || isDeleted || !objects.has(storagePath)) continue;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: storagePath }));
      const hash = createHash('sha256');
      for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (Body)))
        hash.update(chunk);
      hashes.set(storagePath, hash.digest('hex'));
    }
    return { objects, openUploads, hashes };
  } finally {
    client.destroy();
  }
}

/**
 * Every upload that nobody has ended, page after page; the SDK has no paginator for them.
 * @param {Pick<import('@aws-sdk/client-s3').S3Client, 'send'>} client @param {string} bucket
 * @returns {Promise<Facts['openUploads']>}
 */
export async function openUploadsIn(client, bucket) {
  const found = [];
  /** @type {{ KeyMarker?: string | undefined, UploadIdMarker?: string | undefined }} */
  let from = {};
  for (;;) {
    const page = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, ...from }));
    for (const { Key = '', Initiated } of page.Uploads ?? [])
      found.push({ key: Key, startedAt: Initiated?.getTime() ?? 0 });
    if (!page.IsTruncated || !page.NextKeyMarker) return found;
    from = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}

/**
 * The runs of the tasks' workflows. Which there are is asked of Temporal's visibility, which learns of a run some time after its begin; the
 * latest run of each started task is therefore asked for by its id as well. Missed are runs that are younger than visibility knows and
 * that another has followed already, and those that the namespace's retention took.
 * @param {Pick<import('@temporalio/client').WorkflowClient, 'list' | 'getHandle'>} workflow
 * @param {string[]} taskIds of tasks that were started
 * @returns {Promise<Facts['runs']>}
 */
export async function runsOf(workflow, taskIds) {
  /** @type {Map<string, Facts['runs'][number]>} */
  const runs = new Map();
  const look = async (/** @type {string} */ workflowId, /** @type {string} */ runId = '') => {
    const handle = runId ? workflow.getHandle(workflowId, runId) : workflow.getHandle(workflowId);
    const { runId: id, raw, historyLength } = await handle.describe();
    const bytes = Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0);
    runs.set(id, { workflowId, runId: id, events: historyLength, bytes });
  };
  for await (const { workflowId, runId } of workflow.list({ query: `WorkflowId STARTS_WITH '${WORKFLOW_PREFIX}'` }))
    await look(workflowId, runId);
  for (const taskId of taskIds) {
    await look(`${WORKFLOW_PREFIX}${taskId}`).catch((error) => {
      // A start that waits in its row, one that a cancel overtook, or a run that retention took.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
  }
  return [...runs.values()];
}

/** @param {string} address @param {string} namespace @param {string[]} taskIds @returns {Promise<Facts['runs']>} */
async function workflowRuns(address, namespace, taskIds) {
  const connection = await Connection.connect({ address });
  try {
    return await runsOf(new Client({ connection, namespace }).workflow, taskIds);
  } finally {
    await connection.close();
  }
}
