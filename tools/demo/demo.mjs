// @ts-check
// `npm run demo`: WLOps' main job from an empty folder to finished tasks, through the public API only.
import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../shared/paths.mjs';
import { pause } from '../shared/wait.mjs';
import { administratorCanLogIn } from '../stack/administrator.mjs';
import { openStack } from '../stack/session.mjs';
import { prefixedPrinter } from '../stack/terminal.mjs';
import { ApiClient } from './api-client.mjs';
import { describeTask, ProgressLine } from './task-progress.mjs';
import { summariseTask } from './task-summary.mjs';

const POLL_INTERVAL_MS = 500;
/** About half of what the model would choose itself: a demo is waited for, and the maths problems are learned by then. */
const MATHS_EPOCHS = 4;
const ENDED = ['COMPLETED', 'FAILED', 'CANCELLED'];

/**
 * @typedef {import('../stack/session.mjs').StackSession} StackSession
 * @typedef {{ mode: 'standard' | 'continuous', body: Record<string, unknown> }} TaskPlan
 */

/**
 * The demo's own account, one for each data folder: several may share a database. It stays in the folder, so that a second demo finds
 * its user again.
 * @param {string} dataDir
 */
function demoAccount(dataDir) {
  const file = path.join(dataDir, 'demo-account.json');
  if (!fs.existsSync(file)) {
    const email = `demo-${randomBytes(4).toString('hex')}@wlops.local`;
    const account = { email, password: randomBytes(18).toString('base64url') };
    fs.writeFileSync(file, `${JSON.stringify(account, null, 2)}\n`, { mode: 0o600 });
  }
  return /** @type {{ email: string, password: string }} */ (JSON.parse(fs.readFileSync(file, 'utf8')));
}

/** @param {StackSession} session */
async function logIn({ urls, administrator, dataDir, isStopping }) {
  const { adminEmail } = administrator;
  const isKnown = await administratorCanLogIn(urls.api, administrator);
  console.log(
    isKnown
      ? `administrator ${adminEmail} (password in ${path.join(dataDir, 'secrets.json')})`
      : `administrator ${adminEmail}: this database was given another one, or another password, before`,
  );
  const { email, password } = demoAccount(dataDir);
  const client = new ApiClient(urls.api, isStopping);
  await client.register(email, password);
  const user = await client.login(email, password);
  console.log(`user ${user.email} logged in (password in ${path.join(dataDir, 'demo-account.json')})`);
  return { client, userId: user.userId };
}

/** Writes the sample data with the repository's own scripts. @param {string} python @param {string} directory */
async function makeSamples(python, directory) {
  for (const script of ['maths_word_problems.py', 'support_messages.py']) {
    await promisify(execFile)(python, [path.join(ROOT, 'samples', script), '--out', directory]);
  }
}

/** @param {ApiClient} client @param {string} file @param {Record<string, string>} fields */
async function upload(client, file, fields) {
  const dataset = await client.upload(file, fields);
  const { datasetId, sampleCount, fileSize, sha256 } = dataset;
  console.log(
    `uploaded ${path.basename(file)}: ${datasetId}, ${sampleCount ?? '?'} samples, ${fileSize} bytes, sha256 ${sha256.slice(0, 12)}…`,
  );
  return datasetId;
}

/**
 * One STANDARD task on support messages, one CONTINUOUS task on maths problems.
 * @param {ApiClient} client
 * @param {string} directory
 * @returns {Promise<TaskPlan[]>}
 */
async function samplePlans(client, directory) {
  const file = (/** @type {string} */ name) => path.join(directory, name);
  const messages = await upload(client, file('messages.csv'), { datasetType: 'training', domain: 'support' });
  const training = await upload(client, file('training.jsonl'), { datasetType: 'training', domain: 'math' });
  const validation = await upload(client, file('validation.jsonl'), { datasetType: 'validation', domain: 'math' });
  return [
    { mode: 'standard', body: { taskName: 'support messages', modelName: 'builtin:classifier', datasetId: messages } },
    {
      mode: 'continuous',
      body: {
        taskName: 'maths word problems',
        modelName: 'builtin:tinygpt',
        datasetId: training,
        validationDatasetId: validation,
        maxIterations: 4,
        performanceThreshold: 0.95,
        hyperparameters: { epochs: MATHS_EPOCHS },
      },
    },
  ];
}

/**
 * A task on the person's own files.
 * @param {ApiClient} client
 * @param {NonNullable<import('./arguments.mjs').DemoChoices['own']>} own
 * @returns {Promise<TaskPlan[]>}
 */
async function ownPlans(client, own) {
  /** @type {Record<string, string>} */
  const columns = own.columns ? { columns: own.columns } : {};
  const send = async (/** @type {string | undefined} */ file, /** @type {string} */ datasetType) =>
    file && (await upload(client, file, { datasetType, ...columns }));
  const datasetId = await send(own.dataset, 'training');
  const testDatasetId = await send(own.test, 'test');
  const validationDatasetId = await send(own.validation, 'validation');
  const taskName = path.basename(own.dataset);
  const body = { taskName, modelName: own.model, datasetId, testDatasetId, validationDatasetId };
  const loop = { maxIterations: own.maxIterations, performanceThreshold: own.threshold };
  return [{ mode: own.mode, body: own.mode === 'continuous' ? { ...body, ...loop } : body }];
}

/** Creates and starts a task and follows it to its end. @param {ApiClient} client @param {number} userId @param {TaskPlan} plan */
async function runTask(client, userId, { mode, body }) {
  const { taskId } = await client.request('POST', `/api/tasks/${mode}`, { ...body, userId });
  await client.request('POST', `/api/tasks/${taskId}/start`, {});
  console.log(`\n${mode.toUpperCase()} task ${taskId} started: ${body.taskName} with ${body.modelName}`);
  const line = new ProgressLine();
  for (;;) {
    const task = await client.request('GET', `/api/tasks/${taskId}`);
    line.show(`${task.status} ${task.currentIteration}`, `  ${describeTask(task)}`);
    if (ENDED.includes(task.status)) {
      line.end();
      return task;
    }
    await pause(POLL_INTERVAL_MS);
  }
}

/** Prints what a task came to, and keeps its report as a page. @param {ApiClient} client @param {any} task @param {string} dataDir */
async function showOutcome(client, task, dataDir) {
  const report = await client.request('GET', `/api/tasks/${task.taskId}/report`);
  console.log(summariseTask(task, report).join('\n'));
  const page = path.join(dataDir, 'reports', `${task.taskId}.html`);
  fs.mkdirSync(path.dirname(page), { recursive: true });
  fs.writeFileSync(page, await client.reportPage(task.taskId));
  console.log(`    report: ${page}`);
}

/**
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {import('../setup/setup.mjs').Installation} options.installation
 * @param {import('./arguments.mjs').DemoChoices} options.choices
 * @returns {Promise<number>} exit code: 0 when every task was COMPLETED
 */
export async function demo({ env, installation, choices }) {
  const session = await openStack({ env, installation, print: prefixedPrinter(process.stdout) });
  const work = async () => {
    const { client, userId } = await logIn(session);
    const samples = path.join(session.dataDir, 'samples');
    if (!choices.own) await makeSamples(installation.python, samples);
    const plans = choices.own ? await ownPlans(client, choices.own) : await samplePlans(client, samples);
    const tasks = [];
    for (const plan of plans) tasks.push(await runTask(client, userId, plan));
    console.log('\nResults');
    for (const task of tasks) await showOutcome(client, task, session.dataDir);
    return tasks.every(({ status }) => status === 'COMPLETED') ? 0 : 1;
  };
  try {
    const exitCode = await work().catch((error) => {
      if (session.isStopping()) return undefined;
      throw error;
    });
    if (exitCode === undefined) return 130;
    const { docs, temporalUi } = session.urls;
    console.log(`\nAPI docs ${docs}${temporalUi ? `\nTemporal UI ${temporalUi}` : ''}`);
    if (choices.exit || !session.startedHere) return exitCode;
    console.log('The stack stays up; Ctrl-C stops it.');
    await session.stoppedBySignal;
    return exitCode;
  } finally {
    await session.close();
  }
}
