// @ts-check
// What the demo asks of the API, as any other program would.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { UserError } from '../shared/errors.mjs';
import { pause } from '../shared/wait.mjs';

/** A process of the stack that dies is back within seconds. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 500;
/** Answers of an API that a store has left, or of a proxy before one that is not there. */
const AWAY = [502, 503, 504];

/** A reply that is not a success, in the API's own words. */
export class ApiError extends UserError {
  /** @param {number} status @param {string} route @param {any} body */
  constructor(status, route, body) {
    const { message, details } = body?.error ?? {};
    super(`${route}: ${message ?? `answered ${status}`}${details ? ` ${JSON.stringify(details)}` : ''}`);
    this.status = status;
  }
}

export class ApiClient {
  #base;
  /** @type {string | undefined} */
  #accessToken;
  /** @type {{ email: string, password: string } | undefined} */
  #credentials;

  #isOver;

  /**
   * @param {string} base such as http://127.0.0.1:8080
   * @param {() => boolean} [isOver] whether nobody waits for an answer any more
   */
  constructor(base, isOver = () => false) {
    this.#base = base;
    this.#isOver = isOver;
  }

  /**
   * Sends until the API answers: what is asked of it again with the same key is done once.
   * @param {string} method @param {string} route @param {unknown} [body] @param {Record<string, string>} [headers] @returns {Promise<Response>}
   */
  async #sendPatiently(method, route, body, headers = {}) {
    /** @type {Record<string, string>} */
    const once = method === 'GET' ? {} : { 'idempotency-key': randomUUID() };
    for (const until = Date.now() + PATIENCE_MS; ; await pause(AGAIN_MS)) {
      const isLast = () => this.#isOver() || Date.now() > until;
      try {
        const response = await this.#send(method, route, body, { ...once, ...headers });
        const isToComeAgain = AWAY.includes(response.status) || response.headers.has('retry-after');
        if (!isToComeAgain || isLast()) return response;
        await response.body?.cancel();
      } catch (error) {
        if (isLast())
          throw new UserError(`${method} ${route}: the API at ${this.#base} does not answer`, { cause: error });
      }
    }
  }

  /** @param {string} method @param {string} route @param {unknown} [body] @param {Record<string, string>} [headers] @returns {Promise<Response>} */
  #send(method, route, body, headers = {}) {
    const isForm = body instanceof FormData;
    return fetch(`${this.#base}${route}`, {
      method,
      headers: {
        ...(this.#accessToken ? { authorization: `Bearer ${this.#accessToken}` } : {}),
        ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : isForm ? body : JSON.stringify(body),
    });
  }

  /**
   * @param {string} method
   * @param {string} route
   * @param {unknown} [body]
   * @returns {Promise<any>} the parsed reply
   * @throws {ApiError}
   */
  async request(method, route, body) {
    let response = await this.#sendPatiently(method, route, body);
    if (response.status === 401 && this.#credentials && !route.startsWith('/api/auth/')) {
      // Access tokens live for minutes, tasks for longer.
      await this.login(this.#credentials.email, this.#credentials.password);
      response = await this.#sendPatiently(method, route, body);
    }
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    const parsed = isJson && text ? JSON.parse(text) : text;
    if (!response.ok) throw new ApiError(response.status, `${method} ${route}`, parsed);
    return parsed;
  }

  /** @param {string} email @param {string} password @returns {Promise<{ userId: number, email: string, role: string }>} */
  async login(email, password) {
    const session = await this.request('POST', '/api/auth/login', { email, password });
    this.#accessToken = session.accessToken;
    this.#credentials = { email, password };
    return session.user;
  }

  /** Registers an account, or finds that it exists. @param {string} email @param {string} password */
  async register(email, password) {
    try {
      await this.request('POST', '/api/auth/register', { email, password });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
    }
  }

  /**
   * Uploads a file without reading it into memory.
   * @param {string} file
   * @param {Record<string, string>} fields
   */
  async upload(file, fields) {
    const form = new FormData();
    for (const [name, value] of Object.entries({ name: path.basename(file), ...fields })) form.set(name, value);
    form.set('file', await fs.openAsBlob(file), path.basename(file));
    return this.request('POST', '/api/datasets/upload', form);
  }

  /** The report as one HTML page. @param {string} taskId @returns {Promise<string>} */
  async reportPage(taskId) {
    const route = `/api/tasks/${taskId}/report`;
    const response = await this.#sendPatiently('GET', route, undefined, { accept: 'text/html' });
    const text = await response.text();
    if (!response.ok) throw new ApiError(response.status, route, undefined);
    return text;
  }
}
