/**
 * What the measurements of many runs and many tasks need: a namespace of its own, and a worker, in this process or in one of its own,
 * whose activities answer at once and write nothing. Only Temporal is real, for only the workflows and the server are measured.
 */
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Activities } from '../../activities';
import { whileBeating } from '../../activities/while-beating';
import type { EvaluateRequest, EvaluateResult } from '../../src/contracts/jobs';
import type { TaskSpec } from '../../src/contracts/task-workflow';
import { registerSearchAttributes } from '../../src/temporal/search-attributes';
import { createWorkers, runWorkers } from '../../src/temporal/workers';
import { evaluated, optimized, trained } from '../no-op-services';

export interface LoadClient {
  client: Client;
  namespace: string;
  close: () => Promise<void>;
}

/** The server learns of a namespace and its attributes from time to time, within some seconds. */
const KNOWN_MS = 60_000;

/** A client of a new namespace. Throws when the server does not know its attributes within a minute. */
export async function openNamespace(address: string): Promise<LoadClient> {
  const connection = await Connection.connect({ address });
  const namespace = `bench-${randomBytes(6).toString('hex')}`;
  const day = { seconds: 86_400 as unknown as never };
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: day });
  const until = performance.now() + KNOWN_MS;
  let said: unknown = 'they are being added';
  for (let known = false; !known;) {
    if (performance.now() > until) throw new Error(`${namespace} has no search attributes: ${String(said)}`);
    known = await registerSearchAttributes(connection, namespace).then(
      (added) => added.length === 0,
      (error: unknown) => {
        said = error;
        return false;
      },
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { client: new Client({ connection, namespace }), namespace, close: () => connection.close() };
}

/** Its trainings go on until they are called off, for as many segments as it says; the next one is over at once. */
export const HELD_SEGMENTS = 3;
const HELD_MODEL = 'held';

/** Runs workers whose jobs are over at once, but for held trainings, until the answered function is called. */
export async function startLoadWorkers(address: string, namespace: string): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect({ address });
  const workers = await createWorkers({
    connection,
    namespace,
    workflows: { workflowsPath: require.resolve('../../workflows') },
    activities: activitiesWithoutWork(),
    // A held training gives its slot back seconds after it was called off, with a heartbeat.
    slots: { optimize: 20, train: 100, evaluate: 20 },
  });
  let stop: () => void = () => undefined;
  const running = runWorkers(workers, new Promise<void>((resolve) => (stop = resolve)));
  return async () => {
    stop();
    await running;
    await connection.close();
  };
}

function activitiesWithoutWork(): Activities {
  const nothing = () => Promise.resolve();
  return {
    optimizeDataset: (request) => Promise.resolve(optimized(request)),
    trainModel: (request) =>
      request.modelName === HELD_MODEL && request.segment < HELD_SEGMENTS
        ? whileBeating(() => new Promise<never>(() => undefined))
        : Promise.resolve(trained(request)),
    // The champion changes now and then, so that lost challengers pile up as they do in a long loop.
    evaluateModel: (request) => Promise.resolve(scored(request)),
    pauseJob: ({ service, jobKey }) =>
      Promise.resolve({
        state: service === 'trainer' ? 'paused' : 'cancelled',
        attempts: 1,
        checkpoint: service === 'trainer' ? { key: `models/bench/${jobKey}.tar`, sha256: '0'.repeat(64) } : null,
      }),
    stopJob: () => Promise.resolve({ state: 'cancelled', attempts: 1 }),
    recordTask: nothing,
    writeReport: nothing,
    requestCancellation: nothing,
  };
}

function scored(request: EvaluateRequest): EvaluateResult {
  const result = evaluated(request);
  // As long as real scores are when they are written down.
  const value = (request.iteration % 97) / 97;
  return { ...result, score: { ...result.score, value, low: value, high: value } };
}

/** A task whose trainings are held. */
export function heldTask(): TaskSpec {
  return { ...loadTask('STANDARD'), modelName: HELD_MODEL };
}

/** A task without a sealed test, and conditions that end only a loop of so many iterations. */
export function loadTask(mode: TaskSpec['mode'], maxIterations = 1): TaskSpec {
  const datasetId = 'dataset_bench';
  return {
    taskId: `task_${randomBytes(8).toString('hex')}`,
    ...{ taskName: 'bench', userId: 1, mode, modelName: 'none', hyperparameters: {}, seed: 1, metric: null, seq: 0 },
    taskType: 'classification',
    source: { datasetId, key: `datasets/1/${datasetId}/raw`, sha256: '0'.repeat(64), format: 'csv', columns: null },
    ...{ validation: null, test: null, pool: null },
    stopConditions: {
      ...{ maxIterations, performanceThreshold: null, rule: 'point', plateau: null, budget: null, deadline: null },
    },
  };
}
