/**
 * What the platform adds to one full iteration: a STANDARD task on an intent data set, from its start to COMPLETED through all
 * processes, against the same Python calls in one script (`plain_iteration.py`). Both run in turn.
 *
 * Needs a running stack. The data set is BANKING77 where its files are given, else the sample messages cannot stand in for it:
 * a small set would measure nothing but start-up.
 */
import { execFile } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { spread, type Spread } from './figures';

const SEED = 7;

export interface IterationOptions {
  api: string;
  email: string;
  password: string;
  /** Interpreter with the services' packages. */
  python: string;
  trainFile: string;
  testFile: string;
  rounds: number;
}

export interface IterationResult {
  rounds: number;
  taskSeconds: Spread;
  scriptSeconds: Spread;
  /** Task over script, round by round. */
  ratio: Spread;
  raw: { taskSeconds: number[]; script: object[] };
}

type Reply = Record<string, unknown>;

/** Measures and answers with seconds and ratios. Throws when a task does not complete. */
export async function measureIteration(options: IterationOptions): Promise<IterationResult> {
  const call = await session(options);
  const datasetId = await upload(call, options.trainFile, 'training');
  const testDatasetId = await upload(call, options.testFile, 'test');
  const taskSeconds: number[] = [];
  const script: { total: number }[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    taskSeconds.push(await timeTask(call, { datasetId, testDatasetId }));
    script.push(await timeScript(options));
  }
  const totals = script.map(({ total }) => total);
  const ratios = taskSeconds.map((seconds, index) => seconds / (totals[index] ?? NaN));
  const figures = { taskSeconds: spread(taskSeconds), scriptSeconds: spread(totals), ratio: spread(ratios) };
  return { rounds: options.rounds, ...figures, raw: { taskSeconds, script } };
}

type Call = (method: string, route: string, body?: FormData | object) => Promise<Reply>;

async function session({ api, email, password }: IterationOptions): Promise<Call> {
  let authorization: Record<string, string> = {};
  const call: Call = async (method, route, body) => {
    const json = body !== undefined && !(body instanceof FormData);
    const response = await fetch(`${api}/api/${route}`, {
      method,
      headers: { ...authorization, ...(json ? { 'content-type': 'application/json' } : {}) },
      body: json ? JSON.stringify(body) : body,
    });
    const reply = (await response.json()) as Reply;
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${JSON.stringify(reply)}`);
    return reply;
  };
  const { accessToken } = await call('POST', 'auth/login', { email, password });
  authorization = { authorization: `Bearer ${String(accessToken)}` };
  return call;
}

async function upload(call: Call, file: string, datasetType: string): Promise<string> {
  const form = new FormData();
  form.set('name', path.basename(file));
  form.set('datasetType', datasetType);
  form.set('file', await openAsBlob(file), path.basename(file));
  return String((await call('POST', 'datasets/upload', form)).datasetId);
}

async function timeTask(call: Call, datasets: object): Promise<number> {
  const task = { taskName: 'bench', modelName: 'builtin:classifier', seed: SEED, ...datasets };
  const { taskId } = await call('POST', 'tasks/standard', task);
  const startedAt = performance.now();
  await call('POST', `tasks/${String(taskId)}/start`, {});
  for (;;) {
    const { status, failure } = await call('GET', `tasks/${String(taskId)}`);
    if (status === 'COMPLETED') return (performance.now() - startedAt) / 1000;
    if (status === 'FAILED' || status === 'CANCELLED')
      throw new Error(`task ended ${status}: ${JSON.stringify(failure)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function timeScript({ python, trainFile, testFile }: IterationOptions): Promise<{ total: number }> {
  const services = path.resolve('python-services');
  const { stdout } = await promisify(execFile)(
    python,
    ['bench/plain_iteration.py', trainFile, testFile, String(SEED)],
    {
      env: { ...process.env, PYTHONPATH: `${services}:${services}/common`, OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' },
    },
  );
  return JSON.parse(stdout) as { total: number };
}
