/**
 * The product as another program sees it: a small client of the REST API for the whole-stack tests. It knows the promised names
 * and nothing of the sources; addresses come from the stack's own `run.json`.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export interface RunFile {
  processes: Record<string, { pid: number; port: number; url: string; logFile: string }>;
}

/** The running stack's `run.json`; read anew each time, since a restarted process has another pid. */
export function runFile(): RunFile {
  const directory = process.env.WLOPS_DATA_DIR;
  if (!directory) throw new Error('WLOPS_DATA_DIR is not set: the system tests run against a started stack');
  return JSON.parse(readFileSync(path.join(directory, 'run.json'), 'utf8')) as RunFile;
}

/** The process of that name; throws with the known names when the stack has none. */
export function stackProcess(name: string): RunFile['processes'][string] {
  const { processes } = runFile();
  const found = processes[name];
  if (!found) throw new Error(`the stack has no process ${name}; it has ${Object.keys(processes).join(', ')}`);
  return found;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- replies are asserted on, field by field
export type Json = any;

export interface Reply {
  status: number;
  body: Json;
  headers: Headers;
}

/** One logged-in user. */
export class Client {
  constructor(
    readonly base: string,
    private readonly token: string | null = null,
    readonly user: { userId: number; email: string; role: string } | null = null,
  ) {}

  async request(method: string, route: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const response = await fetch(this.base + route, {
      method,
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : body instanceof FormData ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, body: isJson && text ? JSON.parse(text) : text, headers: response.headers };
  }

  get(route: string, headers?: Record<string, string>) {
    return this.request('GET', route, undefined, headers);
  }

  post(route: string, body?: unknown) {
    return this.request('POST', route, body ?? {});
  }

  /** Like `post`, but anything that is not 2xx fails the test with the API's own words. */
  async must(route: string, body?: unknown): Promise<Json> {
    const reply = await this.post(route, body);
    if (reply.status >= 300) throw new Error(`POST ${route} → ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  async login(email: string, password: string): Promise<Client> {
    const session = await this.must('/api/auth/login', { email, password });
    return new Client(this.base, session.accessToken, session.user);
  }

  async upload(content: Uint8Array, fields: Record<string, string>, fileName = 'data.csv'): Promise<Json> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set('file', new Blob([Buffer.from(content)]), fileName);
    const reply = await this.request('POST', '/api/datasets/upload', form);
    if (reply.status !== 201) throw new Error(`upload → ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  async uploadFile(file: string, fields: Record<string, string>): Promise<Json> {
    return this.upload(await readFile(file), { name: path.basename(file), ...fields }, path.basename(file));
  }

  async task(taskId: string): Promise<Json> {
    const reply = await this.get(`/api/tasks/${taskId}`);
    if (reply.status !== 200) throw new Error(`GET task → ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** Creates and starts a task. */
  async startTask(mode: 'standard' | 'continuous', body: Record<string, unknown>): Promise<Json> {
    const task = await this.must(`/api/tasks/${mode}`, { taskName: 'system test', ...body });
    await this.must(`/api/tasks/${task.taskId}/start`);
    return task;
  }

  /** Polls until the task is as wanted; a task that ended otherwise fails at once, with its failure. */
  async taskWhen(taskId: string, wanted: (task: Json) => boolean, timeoutSeconds: number): Promise<Json> {
    const ended = ['COMPLETED', 'FAILED', 'CANCELLED'];
    return waitFor(`task ${taskId}`, timeoutSeconds, async () => {
      const task = await this.task(taskId);
      if (wanted(task)) return task;
      if (ended.includes(task.status)) throw new Error(`task ended ${task.status}: ${JSON.stringify(task.failure)}`);
      return null;
    });
  }

  completed(taskId: string, timeoutSeconds: number): Promise<Json> {
    return this.taskWhen(taskId, (task) => task.status === 'COMPLETED', timeoutSeconds);
  }
}

/** The API of the running stack, not logged in. */
export function anonymous(): Client {
  return new Client(stackProcess('api').url);
}

let people = 0;

/** A new user with a session of his own; `visitor` is whoever calls before that. */
export async function newUser(visitor: Client = anonymous()): Promise<Client> {
  const email = `person-${process.pid}-${Date.now()}-${people++}@example.org`;
  const password = 'correct horse battery staple';
  await visitor.must('/api/auth/register', { email, password });
  return visitor.login(email, password);
}

/** Calls `attempt` until it answers with something; the one place where the tests wait for time to pass. */
export async function waitFor<T>(what: string, timeoutSeconds: number, attempt: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const result = await attempt();
    if (result !== null) return result;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutSeconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
