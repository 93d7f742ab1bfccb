/**
 * The one HTTP client of the job protocol (docs/job-protocol.md): submit, status, cancel. Requests carry a short-lived service token,
 * end after a time limit, follow no redirect, and read no more of a reply than is allowed. What comes back is parsed or refused.
 * Not covered: waiting for a job (`run-job.ts`).
 */
import jwt from 'jsonwebtoken';
import { jobId } from '../src/contracts/job-id';
import {
  parseChampionAnswer,
  parseJobStatus,
  parseLiveJobs,
  parseServiceError,
  UnreadableReply,
  type ChampionAnswer,
} from '../src/contracts/job-schemas';
import type { JobRequestBase, JobStatus, ServiceName } from '../src/contracts/jobs';
import { jobOver, JobOver, ServiceUnavailable } from './failures';
import { withinTime } from './within-time';

export interface JobClientOptions {
  service: ServiceName;
  baseUrl: string;
  serviceSecret: string;
  requestTimeoutMs?: number;
  maxReplyBytes?: number;
}

interface Reply {
  status: number;
  retryAfter: string | null;
  text: string;
}

const ROUTES: Record<ServiceName, string> = { optimizer: 'optimize', trainer: 'train', evaluator: 'evaluate' };

/** The protocol allows five minutes; a clock that is off by one must not matter. */
const TOKEN_SECONDS = 240;
/** Beyond Temporal's own limit for what an activity may return there is nothing to read. */
const MAX_REPLY_BYTES = 1024 * 1024;

export class PythonJobClient {
  readonly service: ServiceName;
  private readonly jobsUrl: string;
  private readonly championUrl: string;
  private readonly requestTimeoutMs: number;
  private readonly maxReplyBytes: number;

  constructor(private readonly options: JobClientOptions) {
    this.service = options.service;
    const root = `${options.baseUrl.replace(/\/$/, '')}/api/v1`;
    this.jobsUrl = `${root}/${ROUTES[options.service]}`;
    this.championUrl = `${root}/models/champion`;
    this.requestTimeoutMs = options.requestTimeoutMs ?? 15_000;
    this.maxReplyBytes = options.maxReplyBytes ?? MAX_REPLY_BYTES;
  }

  /** Submits a job, or finds the one already submitted under its key. May be repeated safely. */
  async submit(request: JobRequestBase, signal: AbortSignal): Promise<JobStatus> {
    return this.statusOf(request.jobKey, await this.send('POST', this.jobsUrl, signal, request));
  }

  /**
   * The status of the job with this key: as soon as it is over, or after `waitSeconds` (at most 30). Throws `JobOver` with `JOB_LOST`
   * when the service does not know it.
   */
  status(jobKey: string, signal: AbortSignal, waitSeconds = 0): Promise<JobStatus> {
    return this.ask('GET', jobKey, '', signal, waitSeconds);
  }

  /** Cancels the job with this key, now or when it arrives. A finished one stays as it is. May be repeated; waits as `status` does. */
  cancel(jobKey: string, signal: AbortSignal, waitSeconds = 0): Promise<JobStatus> {
    return this.ask('POST', jobKey, '/cancel', signal, waitSeconds);
  }

  /** Lets the job with this key save a checkpoint and end as `paused`. The trainer's route only. Throws and waits as `status` does. */
  pause(jobKey: string, signal: AbortSignal, waitSeconds = 0): Promise<JobStatus> {
    return this.ask('POST', jobKey, '/pause', signal, waitSeconds);
  }

  /** The jobs of this service that are queued or running, at most 1,000, oldest first. Asking keeps none of them alive. */
  async liveJobs(signal: AbortSignal): Promise<JobStatus[]> {
    const body = await this.send('GET', `${this.jobsUrl}?live=true`, signal);
    return this.readable(() => parseLiveJobs(body));
  }

  /** Lets the alias of a task's champion mean the model of one iteration. The trainer's route only. May be repeated safely. */
  async moveChampion(champion: { taskId: string; iteration: number }, signal: AbortSignal): Promise<ChampionAnswer> {
    const body = await this.send('POST', this.championUrl, signal, champion);
    return this.readable(() => parseChampionAnswer(body));
  }

  private async ask(
    method: 'GET' | 'POST',
    jobKey: string,
    order: string,
    signal: AbortSignal,
    waitSeconds: number,
  ): Promise<JobStatus> {
    const wait = waitSeconds > 0 ? `?waitSeconds=${waitSeconds}` : '';
    return this.statusOf(jobKey, await this.send(method, `${this.jobsUrl}/${jobId(jobKey)}${order}${wait}`, signal));
  }

  private statusOf(jobKey: string, body: unknown): JobStatus {
    return this.readable(() => {
      const status = parseJobStatus(body);
      if (status.jobId !== jobId(jobKey)) throw new UnreadableReply('the job is another one');
      return status;
    });
  }

  private readable<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (error instanceof UnreadableReply) throw this.unreadable(error.message);
      throw error;
    }
  }

  private async send(method: 'GET' | 'POST', url: string, signal: AbortSignal, body?: unknown): Promise<unknown> {
    const { status, retryAfter, text } = await this.exchange(method, url, signal, body);
    const parsed = parseJson(text);
    if (status >= 200 && status < 300) {
      if (parsed === undefined) throw this.unreadable('the body is not JSON');
      return parsed;
    }
    throw this.refusal(status, parsed, retryAfter);
  }

  /** One request and its whole reply, in time. */
  private async exchange(method: string, url: string, signal: AbortSignal, body?: unknown): Promise<Reply> {
    const headers = {
      authorization: `Bearer ${this.token()}`,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const sent = body === undefined ? undefined : JSON.stringify(body);
    try {
      return await withinTime(this.requestTimeoutMs, signal, async (limited) => {
        const response = await fetch(url, { method, headers, body: sent, redirect: 'manual', signal: limited });
        const retryAfter = response.headers.get('retry-after');
        return { status: response.status, retryAfter, text: await this.readBounded(response) };
      });
    } catch (error) {
      // A cancelled activity's own reason; everything else is the network's.
      if (signal.aborted) throw signal.reason;
      if (error instanceof JobOver) throw error;
      throw new ServiceUnavailable(this.service, networkFault(error));
    }
  }

  private token(): string {
    return jwt.sign({}, this.options.serviceSecret, {
      algorithm: 'HS256',
      issuer: 'wlops',
      audience: `wlops-${this.service}`,
      expiresIn: TOKEN_SECONDS,
    });
  }

  private async readBounded(response: Response): Promise<string> {
    if (!response.body) return '';
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    // Leaving the loop early ends the connection.
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > this.maxReplyBytes) throw this.unreadable(`the reply is larger than ${this.maxReplyBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  private refusal(status: number, body: unknown, retryAfter: string | null): Error {
    const error = parseServiceError(body);
    const said = error?.message ?? `it answered ${status}`;
    switch (status) {
      case 401:
      case 403:
        return new ServiceUnavailable(
          this.service,
          `it refuses the worker's token (${said}); check WLOPS_SERVICE_SECRET, and that the clocks of worker and service agree`,
        );
      case 404:
        if (error?.code === 'JOB_NOT_FOUND') return jobOver('JOB_LOST', `the ${this.service} lost the job`, true);
        return new ServiceUnavailable(this.service, 'it answered 404; check its address');
      case 408:
      case 429:
        return new ServiceUnavailable(this.service, said, seconds(retryAfter));
      case 409:
        return new JobOver({
          code: error?.code ?? 'JOB_KEY_CONFLICT',
          message: `the ${this.service} refused the job: ${said}`,
          details: error?.details ?? null,
          retryable: false,
        });
      default:
        if (status >= 500) return new ServiceUnavailable(this.service, said, seconds(retryAfter));
        if (status < 400) return this.unreadable(`it answered ${status}`);
        return new JobOver({
          code: 'JOB_REJECTED',
          message: `the ${this.service} refused the job: ${said}`,
          details: error?.details ?? null,
          retryable: false,
        });
    }
  }

  private unreadable(why: string): JobOver {
    return jobOver('INVALID_JOB_RESULT', `the ${this.service} gave an answer that cannot be used: ${why}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function seconds(retryAfter: string | null): number | null {
  const value = Number(retryAfter);
  return retryAfter !== null && Number.isFinite(value) && value >= 0 ? value : null;
}

const NETWORK_FAULTS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection lost',
  UND_ERR_SOCKET: 'connection lost',
  EPIPE: 'connection lost',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
};

/** By shape, not by class: `fetch` throws errors of several realms and kinds. */
function networkFault(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  if (name === 'TimeoutError') return 'no answer in time';
  return NETWORK_FAULTS[cause?.code ?? ''] ?? 'connection failed';
}
