/** What fault tests look at: small tasks, the rows that tell what became of them, the services' job stores, and the checker. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { storedJobs, type StoredJob } from '../../../tools/faults/job-store.cjs';
import { readJsonLines } from '../../../tools/shared/json-lines.cjs';
import { smallFile } from '../../../tools/faults/small-file.cjs';
import { newUser, stackProcess, waitFor, type Client, type Json } from '../../system/support/client';
import { DATA_DIR, heal, type Service } from './faults';
import { anonymous, CLIENT_LOG } from './logged-client';

const ROOT = path.resolve(__dirname, '../../..');
const PYTHON = process.env.WLOPS_TEST_PYTHON || 'python3';

/** A task that is over in some seconds. */
export const SHORT = { modelName: 'builtin:classifier', seed: 7, hyperparameters: { epochs: 4 } };
/** One that trains for five to ten seconds in 3,000 steps, with a checkpoint every second. */
export const LONG = {
  modelName: 'builtin:classifier',
  seed: 7,
  hyperparameters: { epochs: 500, checkpoint_interval_seconds: 1 },
};
/** One that trains for half a minute. */
export const VERY_LONG = {
  ...LONG,
  hyperparameters: { epochs: 1000, batch_size: 16, checkpoint_interval_seconds: 1 },
};

/** Saving checkpoints takes a twentieth of a training's time at most, so that a slow one puts off the next. */
const SAVING_SHARE = 0.05;
/** One is saved within this time on a machine that does other work, and the last may have been under way. */
const SAVED_MS = 3000;

/** What `executions` answers for a STANDARD task in which nothing was done twice. */
export const ONE_PASS = ['optimization/0 completed', 'training/0 completed', 'evaluation/0 completed'];
/** F2's bound: how soon a task has its next status after its worker was killed; the work itself does not count. */
export const NEXT_STATUS_MS = 8000;

/** A user with a small data set. */
export class Person {
  private constructor(
    readonly client: Client,
    readonly datasetId: string,
  ) {}

  static async create(): Promise<Person> {
    const client = await newUser(anonymous());
    const dataset = await client.upload(Buffer.from(smallFile()), {
      name: 'messages',
      datasetType: 'training',
      domain: 'support',
    });
    return new Person(client, dataset.datasetId as string);
  }

  async start(body: Record<string, unknown>, mode: 'standard' | 'continuous' = 'standard'): Promise<string> {
    const { taskId } = await this.client.startTask(mode, { ...body, datasetId: this.datasetId });
    return taskId as string;
  }

  /** Polls through an API that may be away just now. */
  when(taskId: string, wanted: (task: Json) => boolean, timeoutSeconds: number): Promise<Json> {
    return waitFor(`task ${taskId} to be as wanted`, timeoutSeconds, async () => {
      const reply = await this.client.get(`/api/tasks/${taskId}`).catch(() => null);
      if (reply?.status !== 200) return null;
      if (wanted(reply.body)) return reply.body;
      if (['COMPLETED', 'FAILED', 'CANCELLED'].includes(reply.body.status))
        throw new Error(`task ${taskId} ended ${reply.body.status}: ${JSON.stringify(reply.body.failure)}`);
      return null;
    });
  }

  completed(taskId: string, timeoutSeconds = 120): Promise<Json> {
    return this.when(taskId, ({ status }) => status === 'COMPLETED', timeoutSeconds);
  }

  /** Once the job of the phase is at work. */
  async working(taskId: string, service: Service): Promise<void> {
    await waitFor(`the ${service} to work for ${taskId}`, 90, async () =>
      jobs(service).some((job) => job.taskId === taskId && job.state === 'running') ? true : null,
    );
  }

  /** Once the training has saved its first checkpoint, however fast the machine. */
  async checkpointed(taskId: string): Promise<void> {
    await this.working(taskId, 'trainer');
    await waitFor(`a checkpoint of ${taskId}`, 90, async () => (checkpointsOf(taskId).length > 0 ? true : null));
  }

  /** Repeats a call until the API answers with less than 500. */
  async ask(route: string, body: unknown = {}, timeoutSeconds = 60): Promise<{ status: number; body: Json }> {
    return waitFor(`an answer to POST ${route}`, timeoutSeconds, async () => {
      const reply = await this.client.post(route, body).catch(() => null);
      return reply && reply.status < 500 && reply.status !== 429 ? reply : null;
    });
  }
}

/** The job store of a service as it is now. */
export const jobs = (service: Service): StoredJob[] =>
  storedJobs(PYTHON, path.join(DATA_DIR, 'jobs', `${service}.sqlite`));

/** The job of a task in a phase; the latest segment. */
export function jobOf(service: Service, taskId: string, phase: string): StoredJob {
  const found = jobs(service).filter((job) => job.taskId === taskId && job.phase === phase);
  const last = found.at(-1);
  if (!last) throw new Error(`the ${service} knows no ${phase} of ${taskId}`);
  return last;
}

/** Reads from the stack's database, straight and not through a proxy, as soon as it is there. */
export function query(text: string, values: unknown[] = []): Promise<Json[]> {
  return waitFor('the database', 30, () =>
    queryOnce(text, values).catch((error: Json) => (isAway(error) ? null : Promise.reject(error as Error))),
  );
}

/** Refused, reset, starting up or shutting down. */
const isAway = ({ code, message }: { code?: string; message: string }): boolean =>
  ['ECONNREFUSED', 'ECONNRESET', '57P01', '57P02', '57P03'].includes(code ?? '') || /terminated/.test(message);

async function queryOnce(text: string, values: unknown[]): Promise<Json[]> {
  const { postgresPassword } = JSON.parse(readFileSync(path.join(DATA_DIR, 'secrets.json'), 'utf8')) as {
    postgresPassword: string;
  };
  const client = new pg.Client({
    connectionString: `postgresql://postgres:${encodeURIComponent(postgresPassword)}@127.0.0.1:${stackProcess('postgres').port}/wlops`,
  });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** When the task came into a status for the first time after `since`. */
export async function enteredAt(taskId: string, status: string, since = 0): Promise<number> {
  const rows = await query(
    `SELECT created_at FROM task_events WHERE task_id = $1 AND type = 'task.status' AND payload->>'status' = $2 AND created_at >= $3
      ORDER BY id LIMIT 1`,
    [taskId, status, new Date(since)],
  );
  if (!rows[0]) throw new Error(`${taskId} has not become ${status}`);
  return (rows[0].created_at as Date).getTime();
}

/** Executions as `phase/segment status`, in order. */
export async function executions(taskId: string): Promise<string[]> {
  const rows = await query('SELECT phase, segment, status FROM task_executions WHERE task_id = $1 ORDER BY id', [
    taskId,
  ]);
  return rows.map(({ phase, segment, status }) => `${phase}/${segment} ${status}`);
}

/** What a task's result is by: weights of each accepted training, score of each evaluation. */
export async function resultOf(taskId: string): Promise<string[]> {
  const rows = await query(
    `SELECT iteration, phase::text, details->>'weightsSha256' AS weights, score FROM task_executions
      WHERE task_id = $1 AND status = 'completed' AND phase <> 'optimization' ORDER BY iteration, phase`,
    [taskId],
  );
  return rows.map(({ iteration, phase, weights, score }) => `${iteration} ${phase} ${weights ?? score}`);
}

export interface Checkpoint {
  step: number;
  savedAt: number;
  /** After how long the next one is due. */
  intervalMs: number;
}

/** The checkpoints that a training has saved so far, by the log of its job. */
export function checkpointsOf(taskId: string): Checkpoint[] {
  const { jobId } = jobOf('trainer', taskId, 'training');
  return readJsonLines(path.join(DATA_DIR, 'logs/jobs', `${jobId}.log`), () => undefined)
    .filter(({ message }) => message === 'checkpoint saved')
    .map(({ time, step, seconds }) => ({
      step: step as number,
      savedAt: Date.parse(time as string),
      intervalMs: 1000 * Math.max(LONG.hyperparameters.checkpoint_interval_seconds, seconds / SAVING_SHARE),
    }));
}

/** How a training went on that was interrupted once, as its execution tells. Steps are null where it began at the beginning. */
export async function continuationOf(
  taskId: string,
): Promise<{ resumedFromStep: number | null; toldStep: number | null }> {
  const [row] = await query(
    `SELECT details FROM task_executions WHERE task_id = $1 AND phase = 'training' AND status = 'completed'`,
    [taskId],
  );
  const { resumedFromStep, restarts } = row.details;
  expect(restarts).toHaveLength(1);
  return { resumedFromStep, toldStep: restarts[0].step };
}

/**
 * F5's bound for a training that was killed once: it went on from the newest checkpoint of then, which was no older than an interval and
 * the time that the next one took to be saved; and it had come at least as far as it had told.
 */
export async function expectOneIntervalLost(taskId: string, killedAt: number, before: Checkpoint[]): Promise<void> {
  const { resumedFromStep, toldStep } = await continuationOf(taskId);
  const newest = before.at(-1);
  process.stdout.write(`    killed after step ${toldStep}, went on from ${resumedFromStep ?? 'the beginning'}\n`);
  if (!newest) return;
  expect(resumedFromStep).toBeGreaterThanOrEqual(newest.step);
  expect(killedAt - newest.savedAt).toBeLessThan(newest.intervalMs + SAVED_MS);
}

/** How long the task stood still for a fault: from the fault, or the end of its job if that came later, to the next status. */
export async function gapMs(
  taskId: string,
  service: Service,
  phase: string,
  next: string,
  faultAt: number,
): Promise<number> {
  const { finishedAt } = jobOf(service, taskId, phase);
  return (await enteredAt(taskId, next)) - Math.max(faultAt, finishedAt ?? 0);
}

/** Says a figure in the test's output. */
export function figure(what: string, milliseconds: number): void {
  process.stdout.write(`    ${what}: ${(milliseconds / 1000).toFixed(1)} s\n`);
}

/** The oracle of every fault test: nothing that the stack holds may contradict a promise. */
export async function invariantsHold(): Promise<void> {
  await heal();
  await sleepUntilQuiet();
  const script = path.join(ROOT, 'tools/faults/invariants/run.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, DATA_DIR, PYTHON, CLIENT_LOG]).catch(
    (error: Json) => {
      throw new Error(`${error.stdout}\n${error.stderr}`);
    },
  );
  expect(stdout).toMatch(/11 passed, 0 failed\n$/);
}

/** I8 is asked once every started task has had its time, I4 five seconds after. */
async function sleepUntilQuiet(): Promise<void> {
  await waitFor('every started task to end or rest', 240, async () => {
    const rows = await query(
      `SELECT 1 FROM ml_tasks WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') AND start_requested_at IS NOT NULL
          AND NOT (status = 'SUSPENDED' AND control_state = 'none') LIMIT 1`,
    ).catch(() => [1]);
    return rows.length === 0 ? true : null;
  });
  await new Promise((resolve) => setTimeout(resolve, 6000));
}
