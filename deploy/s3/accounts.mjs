// @ts-check
// Accounts of a versitygw that keeps its own (`--iam-dir`), made over its administration requests. Other S3 servers have ways of
// their own to make accounts.
import { createHash, createHmac } from 'node:crypto';

/**
 * @typedef {{ accessKeyId: string, secretAccessKey: string }} Keys
 * @typedef {{ endpoint: string, region: string, root: Keys }} Server `root` is the account the server was started with
 */

/**
 * Makes an account without rights of its own, or gives the one that is there this secret. Safe to repeat.
 * @param {Server} server
 * @param {Keys} account
 * @throws {Error} with what the server answered
 */
export async function ensureAccount(server, { accessKeyId, secretAccessKey }) {
  const [access, secret] = [accessKeyId, secretAccessKey].map(escapeXml);
  const made = await administer(
    server,
    '/create-user',
    '',
    `<Account><Access>${access}</Access><Secret>${secret}</Secret><Role>user</Role></Account>`,
  );
  if (made.ok) return;
  if (made.status !== 409) throw await refusal(accessKeyId, made);
  const changed = await administer(
    server,
    '/update-user',
    `access=${encodeURIComponent(accessKeyId)}`,
    `<MutableProps><Secret>${secret}</Secret><Role>user</Role></MutableProps>`,
  );
  if (!changed.ok) throw await refusal(accessKeyId, changed);
}

/** @param {string} accessKeyId @param {Response} response */
async function refusal(accessKeyId, response) {
  const said = (await response.text()).replace(/<[^>]*>/g, ' ').trim();
  return new Error(`the S3 server does not make the account ${accessKeyId}: HTTP ${response.status} ${said}`);
}

/** @param {string} text */
function escapeXml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * One signed request. Source: AWS, "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference.
 * @param {Server} server @param {string} path @param {string} query @param {string} body
 */
function administer({ endpoint, region, root }, path, query, body) {
  const { host, origin } = new URL(endpoint);
  const digest = createHash('sha256').update(body).digest('hex');
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const headers = { host, 'x-amz-content-sha256': digest, 'x-amz-date': time };

  const signedHeaders = Object.keys(headers).join(';');
  const headerLines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const request = ['PATCH', path, query, headerLines.join(''), signedHeaders, digest].join('\n');
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request).digest('hex')].join('\n');
  const key = scope
    .split('/')
    .reduce(
      (/** @type {string | Buffer} */ secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${root.secretAccessKey}`,
    );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${root.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;

  return fetch(`${origin}${path}${query && `?${query}`}`, {
    method: 'PATCH',
    headers: { ...headers, authorization },
    body,
    signal: AbortSignal.timeout(15_000),
  });
}
