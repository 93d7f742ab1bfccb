// @ts-check
// `npm run retention`: asks the API of a running stack to remove what nobody can reach, or, with --dry-run, what would go; and prints the
// report. Not covered: what is reachable (src/domain/reachability.ts).
import { ApiClient } from '../demo/api-client.mjs';
import { UserError } from '../shared/errors.mjs';
import { dataDirectory } from '../shared/paths.mjs';
import { runningStack } from '../stack/run-file.mjs';
import { loadSecrets } from '../stack/secrets.mjs';
import { reportLines } from './report-lines.mjs';

const USAGE = 'npm run retention -- [--dry-run] [--json] [--api URL]';

/** @typedef {{ dryRun: boolean, json: boolean, api: string | undefined }} RetentionChoices */

/**
 * @param {string[]} args
 * @returns {RetentionChoices}
 * @throws {UserError} for what it does not know: a misspelt --dry-run must remove nothing
 */
export function parseRetentionArguments(args) {
  /** @type {RetentionChoices} */
  const choices = { dryRun: false, json: false, api: undefined };
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index];
    if (argument === '--dry-run') choices.dryRun = true;
    else if (argument === '--json') choices.json = true;
    else if (argument === '--api' && args[index + 1]) choices.api = args[(index += 1)];
    else throw new UserError(`what does ${argument} mean? ${USAGE}`);
  }
  return choices;
}

/**
 * Where the API is and who asks: the stack of the data folder and its administrator; with --api any other one, and who the environment names.
 * @param {NodeJS.ProcessEnv} env
 * @param {string | undefined} api
 */
export function stackAccess(env, api) {
  if (api) {
    const { WLOPS_ADMIN_EMAIL: email, WLOPS_ADMIN_PASSWORD: password } = env;
    if (!email || !password) throw new UserError('with --api, set WLOPS_ADMIN_EMAIL and WLOPS_ADMIN_PASSWORD');
    return { url: api.replace(/\/+$/, ''), email, password };
  }
  const dataDir = dataDirectory(env);
  const running = runningStack(dataDir);
  if (!running?.ready || !running.urls.api) {
    throw new UserError(
      `no stack runs on ${dataDir}; start it with npm start, or name the API of another one with --api`,
    );
  }
  const { adminEmail, adminPassword } = loadSecrets(dataDir, env);
  return { url: running.urls.api, email: adminEmail, password: adminPassword };
}

/**
 * @param {{ env: NodeJS.ProcessEnv } & RetentionChoices} options
 * @returns {Promise<number>} exit code: 0, or 1 when something could not be removed
 */
export async function retention({ env, dryRun, json, api }) {
  const { url, email, password } = stackAccess(env, api);
  const client = new ApiClient(url);
  await client.login(email, password);
  let answer = await client.request('POST', '/api/admin/retention', { dryRun });
  while (!answer.report) {
    console.error('it goes on …');
    answer = await client.request('GET', `/api/admin/retention/${answer.retentionId}`);
  }
  console.log(json ? JSON.stringify(answer.report, null, 2) : reportLines(answer.report).join('\n'));
  return answer.report.failed > 0 ? 1 : 0;
}
