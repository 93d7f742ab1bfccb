/** The three services without their work: every job has succeeded as soon as it is submitted. Jobs are kept, tokens are not checked. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jobId } from '../src/contracts/job-id';
import type {
  EvaluateRequest,
  EvaluateResult,
  JobStatus,
  OptimizeRequest,
  OptimizeResult,
  TrainRequest,
  TrainResult,
} from '../src/contracts/jobs';

type AnyRequest = OptimizeRequest | TrainRequest | EvaluateRequest;

const SHA256 = '0'.repeat(64);
const ref = (key: string) => ({ key, sha256: SHA256 });
const rows = (key: string) => ({ ...ref(key), rows: 10 });

export function optimized({ outputPrefix, sealedPrefix }: OptimizeRequest): OptimizeResult {
  return {
    manifest: ref(`${outputPrefix}manifest.json`),
    taskType: 'classification',
    train: rows(`${outputPrefix}train.parquet`),
    mine: rows(`${outputPrefix}mine.parquet`),
    pool: null,
    select: rows(`${sealedPrefix}select.parquet`),
    test: null,
    split: ref(`${outputPrefix}split.json`),
    recipe: ref(`${outputPrefix}recipe.json`),
    log: ref(`${outputPrefix}log.json`),
    labelCount: 2,
    steps: [],
    leakage: { exactOverlaps: 0, nearOverlaps: 0, paraphrases: null },
    labelIssues: null,
    applied: [],
    seconds: 0,
  };
}

export function trained({ outputPrefix }: TrainRequest): TrainResult {
  return {
    model: ref(`${outputPrefix}manifest.json`),
    modelPath: outputPrefix,
    weightsSha256: SHA256,
    parameters: 1,
    steps: 1,
    epochs: 1,
    trainLoss: null,
    mineLoss: null,
    lossCurve: [],
    seconds: 0,
  };
}

export function evaluated({ outputPrefix }: EvaluateRequest): EvaluateResult {
  return {
    metric: { name: 'accuracy', higherIsBetter: true },
    role: 'select',
    score: { value: 0.5, low: 0.4, high: 0.6, samples: 10, unscored: 0 },
    secondary: {},
    report: ref(`${outputPrefix}report.json`),
    improvementsFile: null,
    slices: [],
    errorRates: [],
    improvements: [],
    badCases: 0,
    seconds: 0,
  };
}

function succeeded(request: AnyRequest): JobStatus {
  const now = new Date().toISOString();
  const { jobKey, taskId, iteration, segment } = request;
  const [phase, result] =
    'source' in request
      ? (['optimization', optimized(request)] as const)
      : 'purpose' in request
        ? (['evaluation', evaluated(request)] as const)
        : (['training', trained(request)] as const);
  return {
    ...{ jobId: jobId(jobKey), jobKey, taskId, iteration, phase, segment, state: 'succeeded', attempt: 1 },
    ...{ progress: null, result, error: null, createdAt: now, startedAt: now, finishedAt: now, updatedAt: now },
  };
}

/** Starts one server that is all three services. Answers with its address and a way to end it. */
export async function startNoOpServices(): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as AnyRequest;
      response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify(succeeded(body)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
