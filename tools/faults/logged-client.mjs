// @ts-check
// A client of the API that writes every request and its answer to a log, and tries again what a client may: what got no answer, 429 and
// 5xx, and 409 for a key that another call holds. Not covered: what is asked; that is the load's business.
import { messageOf } from '../shared/errors.mjs';
import { pause } from '../shared/wait.mjs';
import { addJsonLine } from '../shared/json-lines.cjs';
import { logCall } from './client-log.cjs';
import { smallFile } from './small-file.cjs';

/** Longer than the API takes for anything that works. */
const TIMEOUT_MS = 15_000;
const RETRY_MS = 300;

/**
 * @typedef {object} Reply
 * @property {number | null} status null: no answer
 * @property {any} body
 * @property {number} retryAfterSeconds 0 when the API does not say
 */

export class LoggedClient {
  #base;
  #log;
  /** @type {string | undefined} */
  #token;
  /** @type {{ email: string, password: string } | undefined} */
  #account;
  #draining = false;

  /** @param {{ base: string, logFile: string }} options */
  constructor({ base, logFile }) {
    this.#base = base;
    this.#log = logFile;
    /** @type {number | null} */
    this.userId = null;
  }

  /** What waits for another try gives up. */
  giveUp() {
    this.#draining = true;
  }

  /** @param {string} method @param {string} route @param {{ body?: unknown, key?: string }} [options] @returns {Promise<Reply>} */
  async once(method, route, { body, key } = {}) {
    const at = Date.now();
    const isForm = body instanceof FormData;
    /** @type {Reply} */
    let reply = { status: null, body: undefined, retryAfterSeconds: 0 };
    let fault;
    try {
      const response = await fetch(`${this.#base}${route}`, {
        method,
        headers: {
          ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
          ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
          ...(key ? { 'idempotency-key': key } : {}),
        },
        body: body === undefined ? undefined : isForm ? body : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') && text;
      reply = {
        status: response.status,
        body: isJson ? JSON.parse(text) : text,
        retryAfterSeconds: Number(response.headers.get('retry-after') ?? 0),
      };
    } catch (error) {
      fault = messageOf(error instanceof Error && error.cause ? error.cause : error);
    }
    const { status, body: answer } = reply;
    logCall(this.#log, { at, user: this.userId, method, route, key, body, status, reply: answer, error: fault });
    return reply;
  }

  /**
   * Asks until there is an answer that another try would not change, for at most `seconds`.
   * @param {string} method @param {string} route @param {{ body?: unknown, key?: string, seconds?: number }} [options] @returns {Promise<Reply>}
   */
  async request(method, route, options = {}) {
    const deadline = Date.now() + (options.seconds ?? 90) * 1000;
    for (;;) {
      const reply = await this.once(method, route, options);
      const { status, body } = reply;
      const isLoggedOut = status === 401 && this.#account !== undefined && !route.startsWith('/api/auth/');
      const isBusyKey = status === 409 && options.key !== undefined && body?.error?.code === 'CONFLICT';
      const again = status === null || status === 429 || status >= 500 || isBusyKey || isLoggedOut;
      if (!again || this.#draining || Date.now() > deadline) return reply;
      if (isLoggedOut) await this.#login();
      await pause(Math.max(RETRY_MS, Math.min(reply.retryAfterSeconds, 2) * 1000));
    }
  }

  async #login() {
    const { status, body } = await this.request('POST', '/api/auth/login', { body: this.#account });
    if (status !== 200) throw new Error(`login answered ${status}`);
    this.#token = body.accessToken;
    this.userId = body.user.userId;
  }

  /** @param {string} email @param {string} password */
  async register(email, password) {
    const { status } = await this.request('POST', '/api/auth/register', { body: { email, password } });
    // 409: an earlier try was carried out, and its answer lost.
    if (status !== 201 && status !== 409) throw new Error(`register answered ${status}`);
    this.#account = { email, password };
    await this.#login();
  }

  /** Tells the checker of a word that is this user's alone. @param {string} marker */
  noteMarker(marker) {
    addJsonLine(this.#log, { user: this.userId, marker });
  }

  /**
   * Uploads a made-up file.
   * @param {{ word: string, key: string, seed?: number, rows?: number }} options same seed and word, same bytes
   * @returns {Promise<string | undefined>} its id
   */
  async upload({ word, key, seed, rows }) {
    const form = new FormData();
    form.set('file', new Blob([smallFile({ word, seed, rows })]), 'messages.csv');
    form.set('name', `${word} messages`);
    form.set('datasetType', 'training');
    const { status, body } = await this.request('POST', '/api/datasets/upload', { body: form, key });
    return status === 201 ? body.datasetId : undefined;
  }
}
