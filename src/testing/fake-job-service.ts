/**
 * A small HTTP service that speaks the job protocol and misbehaves on request. For tests of the worker's side alone: it computes
 * nothing, and its jobs are what the test makes of them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import jwt from 'jsonwebtoken';
import { jobId } from '../contracts/job-id';
import type { JobRequestBase, JobStatus } from '../contracts/jobs';

export const TEST_SERVICE_SECRET = 'a service secret for tests, 32 characters';

/** Answers a request in place of the service; return true when it did. */
export type Interception = (request: IncomingMessage, response: ServerResponse, body: unknown) => boolean;

export class FakeJobService {
  readonly jobs = new Map<string, JobStatus>();
  readonly submissions: JobRequestBase[] = [];
  readonly cancelled: string[] = [];
  readonly paused: string[] = [];
  readonly tokens: jwt.JwtPayload[] = [];
  polls = 0;
  /** Runs first; reset it to null to let the service be itself again. */
  intercept: Interception | null = null;
  /** What a job looks like at each poll; the default leaves it as it is. */
  onPoll: (job: JobStatus) => JobStatus = (job) => job;
  /** What a new job looks like; the default succeeds at once without a result. */
  onSubmit: (job: JobStatus, request: JobRequestBase) => JobStatus = (job) => job;
  /** What a live job looks like once it was told to end; the default ends at once. */
  onCancel: (job: JobStatus) => JobStatus = (job) => ({ ...job, state: 'cancelled' });
  /** What a live job looks like once it was told to pause; the default ends at once and saves nothing. */
  onPause: (job: JobStatus) => JobStatus = (job) => ({ ...job, state: 'paused' });
  private server: Server | null = null;

  async listen(port = 0): Promise<number> {
    this.server = createServer((request, response) => void this.handle(request, response));
    await new Promise<void>((resolve) => this.server?.listen(port, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.server;
    if (!server) return;
    this.server = null;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const body: unknown = text === '' ? null : JSON.parse(text);
    if (this.intercept?.(request, response, body)) return;
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    try {
      const payload = jwt.verify(token, TEST_SERVICE_SECRET, { algorithms: ['HS256'], issuer: 'wlops' });
      if (typeof payload === 'object') this.tokens.push(payload);
    } catch {
      return fail(response, 401, 'UNAUTHENTICATED', 'the token is not valid');
    }
    const path = (request.url ?? '').replace(/\?.*/, '').split('/').slice(4);
    if (request.method === 'GET' && request.url?.endsWith('?live=true')) return this.live(response);
    if (request.method === 'POST' && path.length === 0) return this.submit(response, body as JobRequestBase);
    const id = path[0] ?? '';
    if (request.method === 'POST' && path[1] === 'cancel') return this.cancel(response, id);
    if (request.method === 'POST' && path[1] === 'pause') return this.pause(response, id);
    return this.status(response, id);
  }

  private submit(response: ServerResponse, request: JobRequestBase): void {
    this.submissions.push(request);
    const known = this.jobs.get(jobId(request.jobKey));
    if (known) return reply(response, 202, known);
    const job = this.onSubmit(newJob(request), request);
    this.jobs.set(job.jobId, job);
    reply(response, 202, job);
  }

  private live(response: ServerResponse): void {
    const items = [...this.jobs.values()].filter(({ state }) => state === 'queued' || state === 'running');
    reply(response, 200, { items });
  }

  private status(response: ServerResponse, id: string): void {
    this.polls += 1;
    const job = this.jobs.get(id);
    if (!job) return fail(response, 404, 'JOB_NOT_FOUND', 'no such job');
    const next = this.onPoll(job);
    this.jobs.set(id, next);
    reply(response, 200, next);
  }

  private cancel(response: ServerResponse, id: string): void {
    this.cancelled.push(id);
    const tombstone = (): JobStatus => ({ ...newJob({ jobKey: 'unknown' }), jobId: id, state: 'queued', attempt: 0 });
    const job = this.jobs.get(id) ?? tombstone();
    this.end(response, job, this.onCancel);
  }

  private pause(response: ServerResponse, id: string): void {
    this.paused.push(id);
    const job = this.jobs.get(id);
    if (!job) return fail(response, 404, 'JOB_NOT_FOUND', 'no such job');
    this.end(response, job, this.onPause);
  }

  private end(response: ServerResponse, job: JobStatus, ended: (job: JobStatus) => JobStatus): void {
    const over = ['succeeded', 'failed', 'cancelled', 'paused'].includes(job.state);
    const next: JobStatus = over ? job : { ...ended(job), updatedAt: new Date().toISOString() };
    this.jobs.set(next.jobId, next);
    reply(response, 200, next);
  }
}

function newJob(request: Partial<JobRequestBase> & { jobKey: string }): JobStatus {
  const now = new Date().toISOString();
  return {
    jobId: jobId(request.jobKey),
    jobKey: request.jobKey,
    taskId: request.taskId ?? 'unknown',
    iteration: request.iteration ?? 0,
    phase: 'training',
    segment: request.segment ?? 0,
    state: 'succeeded',
    attempt: 1,
    progress: null,
    result: null,
    error: null,
    createdAt: now,
    startedAt: now,
    finishedAt: now,
    updatedAt: now,
  };
}

export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function fail(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  reply(response, status, { error: { code, message, requestId: 'r1' } }, headers);
}
