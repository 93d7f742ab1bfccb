/**
 * Calls the API as one person. Every JSON answer is checked against the operation it belongs to: a status that is not declared, or a
 * field that the schema does not name, fails the test that met it.
 */
import { errorSchema } from '../http/docs/openapi';
import type { Operation } from '../http/operation';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; undefined when it is not JSON. */
  // Tests read what they expect; the schema check below is the type check.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface CallOptions {
  headers?: Record<string, string>;
}

export class ApiClient {
  constructor(
    readonly url: string,
    private readonly operations: readonly Operation[],
    private readonly token: string | null = null,
  ) {}

  /** The same API with another token. */
  with(token: string): ApiClient {
    return new ApiClient(this.url, this.operations, token);
  }

  get(path: string, options?: CallOptions): Promise<Answer> {
    return this.send('GET', path, undefined, options);
  }

  post(path: string, body?: unknown, options?: CallOptions): Promise<Answer> {
    return this.send('POST', path, body, options);
  }

  patch(path: string, body?: unknown, options?: CallOptions): Promise<Answer> {
    return this.send('PATCH', path, body, options);
  }

  delete(path: string, options?: CallOptions): Promise<Answer> {
    return this.send('DELETE', path, undefined, options);
  }

  /** Uploads `file`; fields in the order given, the file where it stands among them, by default last. */
  async upload(
    fields: Record<string, string>,
    file: Uint8Array | string,
    options: CallOptions & { fileFirst?: boolean } = {},
  ) {
    const form = new FormData();
    const blob = new Blob([typeof file === 'string' ? file : new Uint8Array(file)]);
    if (options.fileFirst) form.append('file', blob, 'data.csv');
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    if (!options.fileFirst) form.append('file', blob, 'data.csv');
    return this.raw('POST', '/api/datasets/upload', { body: form, headers: options.headers ?? {} });
  }

  private send(method: string, path: string, body: unknown, { headers = {} }: CallOptions = {}): Promise<Answer> {
    if (body === undefined) return this.raw(method, path, { headers });
    return this.raw(method, path, {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  /** Sends bytes as they are. */
  async raw(
    method: string,
    path: string,
    { body, headers }: { body?: RequestInit['body']; headers: Record<string, string> },
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }), ...headers },
      // `duplex` is for bodies that are streams, whose length is not announced.
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
    const answer = {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
    if (method !== 'HEAD') this.check(method, path, answer);
    return answer;
  }

  private check(method: string, path: string, answer: Answer): void {
    if (answer.status >= 400 && answer.status !== 503) {
      errorSchema.parse(answer.body);
      return;
    }
    const operation = this.operations.find((one) => one.method === method.toLowerCase() && matches(one.path, path));
    if (!operation) return;
    const spec = operation.responses[answer.status];
    if (!spec && answer.status < 400)
      throw new Error(`${operation.operationId} answered ${answer.status}, which it does not declare`);
    if (answer.body !== undefined) spec?.schema?.parse(answer.body);
  }
}

/** Literal paths are listed before patterns that would also match, as in the router. */
function matches(pattern: string, path: string): boolean {
  const expression = pattern.replace(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^${expression}$`).test(path.split('?')[0] ?? '');
}
