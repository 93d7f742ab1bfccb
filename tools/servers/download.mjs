// @ts-check
// Downloads one file and proves it by its sha256. A broken download is continued where it stopped; the file appears under its name only
// when it is whole and proven. Proxies are those of Node itself (NODE_USE_ENV_PROXY on Node 24 and newer).
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, UserError } from '../shared/errors.mjs';

const ATTEMPTS = 3;

/**
 * @typedef {object} DownloadOptions
 * @property {string} url
 * @property {string} sha256 of the whole file, in hex
 * @property {string} file where it goes
 * @property {(line: string) => void} [onLine]
 * @property {number} [connectTimeoutMs] until the reply begins
 * @property {number} [stallTimeoutMs] between two pieces of the body
 */

class Refused extends UserError {}

/** @param {string} file */
async function sha256OfFile(file) {
  const hash = createHash('sha256');
  await pipeline(fs.createReadStream(file), hash);
  return hash.digest('hex');
}

/** Why a fetch failed: the cause says more than "fetch failed". @param {unknown} error */
function reasonOf(error) {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return messageOf(cause);
}

/**
 * Fetches what is missing of the part file.
 * @param {string} part
 * @param {Required<DownloadOptions>} options
 */
async function fetchRest(part, { url, onLine, connectTimeoutMs, stallTimeoutMs }) {
  const have = fs.existsSync(part) ? fs.statSync(part).size : 0;
  const abort = new AbortController();
  const giveUpAfter = (/** @type {number} */ ms, /** @type {string} */ what) =>
    setTimeout(() => abort.abort(new Error(`${what} for ${ms / 1000} s`)), ms);
  let timer = giveUpAfter(connectTimeoutMs, 'no answer');
  try {
    const headers = have ? { range: `bytes=${have}-` } : undefined;
    const response = await fetch(url, { headers, signal: abort.signal, redirect: 'follow' });
    if (response.status === 416) {
      fs.rmSync(part);
      throw new Error('what was there of it did not fit; starting over');
    }
    if (!response.ok || !response.body) throw new Refused(`${url} answered ${response.status}`);
    const continued = response.status === 206;
    let received = continued ? have : 0;
    const total = received + Number(response.headers.get('content-length') ?? 0);
    const out = fs.createWriteStream(part, { flags: continued ? 'a' : 'w' });
    await pipeline(
      response.body,
      async function* (/** @type {AsyncIterable<Uint8Array>} */ chunks) {
        for await (const chunk of chunks) {
          clearTimeout(timer);
          timer = giveUpAfter(stallTimeoutMs, 'nothing received');
          received += chunk.length;
          onLine(`${(received / 1e6).toFixed(1)} of ${total ? (total / 1e6).toFixed(1) : '?'} MB`);
          yield chunk;
        }
      },
      out,
    );
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {DownloadOptions} options
 * @throws {UserError} when the site cannot be reached, refuses, or sends something else than what the sha256 says
 */
export async function download(options) {
  const { url, sha256, file, onLine = () => {}, connectTimeoutMs = 10_000, stallTimeoutMs = 30_000 } = options;
  // The hash in the name keeps a rest of another version from being continued.
  const part = `${file}.${sha256.slice(0, 12)}.part`;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  // A download may have been interrupted between its last byte and its name.
  if (fs.existsSync(part) && (await sha256OfFile(part)) === sha256) {
    fs.renameSync(part, file);
    return;
  }
  for (let attempt = 1; ; attempt += 1) {
    const rest = fs.existsSync(part) ? fs.statSync(part).size : 0;
    try {
      await fetchRest(part, { url, sha256, file, onLine, connectTimeoutMs, stallTimeoutMs });
      break;
    } catch (error) {
      const had = rest > 0 || (fs.existsSync(part) && fs.statSync(part).size > 0);
      if (error instanceof Refused || !had || attempt === ATTEMPTS) {
        throw new UserError(`cannot download ${url}: ${reasonOf(error)}`, { cause: error });
      }
      onLine(`interrupted (${reasonOf(error)}); continuing`);
    }
  }
  const actual = await sha256OfFile(part);
  if (actual !== sha256) {
    fs.rmSync(part);
    throw new UserError(`${url} has the sha256 ${actual}, expected ${sha256}; it was thrown away`);
  }
  fs.renameSync(part, file);
}
