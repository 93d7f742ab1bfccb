/** The API and the processes of a stack as the measurements use them: one user's tasks, and what can be killed. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';

type Json = Record<string, unknown>;

/** Of a task what the measurements look at. */
export interface TaskReply extends Json {
  status: string;
  progress: { step: number } | null;
}

interface ExecutionReply {
  phase: string;
  status: string;
  score: number | null;
  details: { weightsSha256?: string } | null;
}

export interface StackPlace {
  api: string;
  email: string;
  password: string;
  dataDir: string;
}

/** A training of 3,000 steps that takes some five to ten seconds, with a checkpoint every second. */
const TRAINING = {
  modelName: 'builtin:classifier',
  seed: 7,
  hyperparameters: { epochs: 500, checkpoint_interval_seconds: 1 },
};
export const TRAINING_STEPS = 3000;

export class People {
  private token = '';
  private datasetId = '';

  private constructor(private readonly place: StackPlace) {}

  static async open(place: StackPlace): Promise<People> {
    const people = new People(place);
    await people.login();
    const form = new FormData();
    form.set('name', 'bench');
    form.set('datasetType', 'training');
    form.set('file', new Blob([smallFile()]), 'messages.csv');
    people.datasetId = String((await people.call('POST', 'datasets/upload', form)).datasetId);
    return people;
  }

  private async login(): Promise<void> {
    const { email, password } = this.place;
    this.token = String((await this.call('POST', 'auth/login', { email, password })).accessToken);
  }

  async call(method: string, route: string, body?: FormData | object): Promise<Json> {
    const json = body !== undefined && !(body instanceof FormData);
    const response = await fetch(`${this.place.api}/api/${route}`, {
      method,
      headers: {
        // A connection that an API left behind which was killed is no answer.
        connection: 'close',
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(json ? { 'content-type': 'application/json' } : {}),
      },
      body: json ? JSON.stringify(body) : body,
      signal: AbortSignal.timeout(15_000),
    });
    const reply = (await response.json()) as Json;
    if (response.status === 401 && this.token && !route.startsWith('auth/')) {
      this.token = '';
      await this.login();
      return this.call(method, route, body);
    }
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${JSON.stringify(reply)}`);
    return reply;
  }

  /** Starts a task that trains for some seconds. */
  async start(): Promise<string> {
    const body = { ...TRAINING, taskName: 'bench', datasetId: this.datasetId };
    const taskId = String((await this.call('POST', 'tasks/standard', body)).taskId);
    await this.call('POST', `tasks/${taskId}/start`, {});
    return taskId;
  }

  async task(taskId: string): Promise<TaskReply> {
    return (await this.call('GET', `tasks/${taskId}`)) as TaskReply;
  }

  /** The task once it is as wanted; an API that is away is asked again. Throws when it ended before, or after two minutes. */
  async when(taskId: string, wanted: (task: TaskReply) => boolean): Promise<TaskReply> {
    const deadline = performance.now() + 120_000;
    for (;;) {
      const task = await this.task(taskId).catch(() => null);
      if (task && wanted(task)) return task;
      if (task && ['COMPLETED', 'FAILED', 'CANCELLED'].includes(task.status))
        throw new Error(`task ${taskId} ended ${task.status}: ${JSON.stringify(task.failure)}`);
      if (performance.now() > deadline) throw new Error(`task ${taskId} is not as wanted after two minutes`);
      await sleep(10);
    }
  }

  /** The step of a training once it has come that far. */
  async training(taskId: string, fromStep = 1): Promise<number> {
    const { progress } = await this.when(taskId, (task) => task.status === 'TRAINING' && stepOf(task) >= fromStep);
    return progress?.step ?? 0;
  }

  /** What came out of a task: the weights' digest and the score. */
  async outcome(taskId: string): Promise<string> {
    const { items } = await this.call('GET', `tasks/${taskId}/executions`);
    const done = (items as ExecutionReply[]).filter(({ status }) => status === 'completed');
    return JSON.stringify(done.map(({ phase, details, score }) => [phase, details?.weightsSha256 ?? null, score]));
  }
}

/** 0 before the first one. */
export function stepOf({ progress }: TaskReply): number {
  return progress?.step ?? 0;
}

/** 240 short messages of four intents. */
function smallFile(): string {
  const intents = ['refund', 'delivery', 'invoice', 'password'];
  const lines = Array.from({ length: 240 }, (_, index) => {
    const intent = intents[index % intents.length];
    return `"my ${intent} number ${(index * 7919) % 100_003} ${index % 3 ? 'is late' : 'is wrong'} since ${index % 28} May",${intent}`;
  });
  return `text,label\n${lines.join('\n')}\n`;
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Processes that work for jobs, of one service or of all: those that stand in the stack's work folder. */
export const jobPids = ({ dataDir }: StackPlace, service = ''): string[] => pidsIn(path.join(dataDir, 'work', service));

export const jobProcesses = (place: StackPlace): number => jobPids(place).length;

/** How many processes stand in a folder or below it. */
export const processesIn = (folder: string): number => pidsIn(folder).length;

/** The processes that stand in a folder or below it. One that has ended stands nowhere. */
function pidsIn(folder: string): string[] {
  const inside = realpathSync(folder) + path.sep;
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && (readlinkSync(`/proc/${name}/cwd`) + path.sep).startsWith(inside);
    } catch {
      return false;
    }
  });
}

/** The last step that the step file of the one running training has; 0 where there is none. */
export function stepTaken({ dataDir }: StackPlace): number {
  const work = path.join(dataDir, 'work');
  const files = readdirSync(work, { recursive: true }).filter(
    (name) => path.basename(String(name)) === 'metrics.jsonl',
  );
  const last = files.flatMap((name) => whole(readFileSync(path.join(work, String(name)), 'utf8'))).at(-1);
  return Number(last?.step ?? 0);
}

/** The steps from which the trainings of a task went on, by the logs of its jobs. */
export function continuedSteps({ dataDir }: StackPlace, taskId: string): number[] {
  const folder = path.join(dataDir, 'logs/jobs');
  return readdirSync(folder)
    .flatMap((name) => whole(readFileSync(path.join(folder, name), 'utf8')))
    .filter((line) => line.taskId === taskId && line.message === 'training continues')
    .map(({ step }) => Number(step));
}

/** The lines of a file of JSON lines, but for those that are none. */
function whole(text: string): Json[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Json];
    } catch {
      return [];
    }
  });
}

/** Memory of a process that is in use. */
export function residentBytes(pid: number | undefined): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** The id of a process of the stack; undefined while it is started again. */
export function processId({ dataDir }: StackPlace, name: string): number | undefined {
  const { processes } = JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')) as {
    processes: Record<string, { pid: number | null }>;
  };
  return processes[name]?.pid ?? undefined;
}

/** Milliseconds until something holds, looked at every few of them; less often where looking is work for the stack that is measured. */
export async function untilHolds(what: string, holds: () => boolean | Promise<boolean>, everyMs = 5): Promise<number> {
  const from = performance.now();
  while (!(await holds())) {
    if (performance.now() - from > 60_000) throw new Error(`${what}: not within a minute`);
    await sleep(everyMs);
  }
  return performance.now() - from;
}

/** Median, 99th percentile (the next value from above) and largest, in whole milliseconds. */
export function latency(values: readonly number[]): { count: number; median: number; p99: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN);
  return { count: sorted.length, median: at(0.5), p99: at(0.99), max: at(1) };
}
