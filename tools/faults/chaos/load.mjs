// @ts-check
// The load of a chaos run: users who upload, create, start, look, pause, edit, resume, cancel and fail tasks, each on a path of its own
// drawn from the seed.
// Every task of one shape has the same data, settings and seed, so that the checker can compare their results (I11).
import { messageOf } from '../../shared/errors.mjs';
import { pause, waitUntil } from '../../shared/wait.mjs';
import { LoggedClient } from '../logged-client.mjs';
import { seededRandom } from '../seeded-random.cjs';
import { actionOf } from './mix.mjs';

/** Two classes of tasks. Small, so that many of them end within a run. */
const SHAPES = /** @type {const} */ ([
  {
    name: 'once',
    route: 'standard',
    body: { modelName: 'builtin:classifier', seed: 7, hyperparameters: { epochs: 4 } },
  },
  {
    name: 'long',
    route: 'standard',
    body: {
      modelName: 'builtin:classifier',
      seed: 7,
      hyperparameters: { epochs: 400, checkpoint_interval_seconds: 1 },
    },
  },
  {
    name: 'loop',
    route: 'continuous',
    body: { modelName: 'builtin:classifier', seed: 7, hyperparameters: { epochs: 4 }, maxIterations: 2 },
  },
]);
const TERMINAL = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);
/** The word that all share: results are compared between users, so their data must be the same. */
const COMMON_WORD = 'parcelbox';

/**
 * @typedef {object} Load
 * @property {() => Promise<void>} stop no new work; waits until each user has finished what it was doing
 * @property {() => string[]} taskIds of all that were created
 * @property {() => string[]} errors users that could not go on, and why; none while all is well
 * @property {LoggedClient[]} clients
 *
 * @typedef {object} LoadOptions
 * @property {string} base address of the API
 * @property {string} logFile
 * @property {number} seed
 * @property {number} users
 * @property {number} tasksPerUser alive at the same time
 */

const REFERENCE_SECONDS = 300;
/** What a pause takes, as a rule. */
const TO_REST_MS = 2500;

/**
 * Each shape once, to its end, while nothing is wrong.
 * @param {LoggedClient} client @param {() => boolean} isStopping
 */
export async function runReferenceTasks(client, isStopping) {
  await client.register('chaos-reference@example.org', 'correct horse battery staple');
  const datasetId = await client.upload({ word: COMMON_WORD, key: 'reference' });
  for (const { name, route, body } of SHAPES) {
    if (isStopping()) return;
    const created = await client.request('POST', `/api/tasks/${route}`, {
      body: { ...body, taskName: `reference ${name}`, datasetId },
    });
    const address = `/api/tasks/${created.body.taskId}`;
    await client.request('POST', `${address}/start`);
    const ended = await waitUntil(
      async () => isStopping() || (await client.once('GET', address)).body?.status === 'COMPLETED',
      { timeoutMs: REFERENCE_SECONDS * 1000, intervalMs: 500 },
    );
    if (!ended) throw new Error(`the reference task ${name} did not complete in ${REFERENCE_SECONDS} s`);
  }
}

/** Begins, and does not wait. @param {LoadOptions} options @returns {Load} */
export function startLoad({ base, logFile, seed, users, tasksPerUser }) {
  let stopping = false;
  /** @type {string[]} */
  const made = [];
  /** @type {string[]} */
  const errors = [];
  const clients = Array.from({ length: users }, () => new LoggedClient({ base, logFile }));
  const paths = clients.map(async (client, index) => {
    const user = new SimulatedUser({ client, index, seed, tasksPerUser, isStopping: () => stopping, made });
    await user.run().catch((error) => errors.push(`user ${index} could not go on: ${messageOf(error)}`));
  });
  return {
    clients,
    taskIds: () => made,
    errors: () => errors,
    stop: async () => {
      stopping = true;
      await Promise.all(paths);
    },
  };
}

class SimulatedUser {
  #client;
  #index;
  #random;
  #tasksPerUser;
  #isStopping;
  #made;
  #keys = 0;
  /** @type {string[]} */
  #alive = [];

  /** @param {{ client: LoggedClient, index: number, seed: number, tasksPerUser: number, isStopping: () => boolean, made: string[] }} options */
  constructor({ client, index, seed, tasksPerUser, isStopping, made }) {
    this.#client = client;
    this.#index = index;
    this.#random = seededRandom(seed * 1000 + index);
    this.#tasksPerUser = tasksPerUser;
    this.#isStopping = isStopping;
    this.#made = made;
  }

  /** A new Idempotency-Key. */
  #key() {
    this.#keys += 1;
    return `chaos-${this.#index}-${this.#keys}`;
  }

  /** A word in all that this user names. */
  get #marker() {
    return `user${this.#index}marker${'x'.repeat(4)}`;
  }

  async run() {
    await this.#client.register(`chaos-${this.#index}@example.org`, 'correct horse battery staple');
    this.#client.noteMarker(this.#marker);
    let datasetId;
    while (!datasetId && !this.#isStopping()) {
      datasetId = await this.#client.upload({ word: COMMON_WORD, key: this.#key() });
    }
    while (!this.#isStopping() && datasetId) {
      await this.#step(datasetId);
      await pause(200 + this.#random() * 800);
    }
    // A task that was left paused would rest for ever; the run is over when all have ended.
    for (const taskId of this.#alive) await this.#client.request('POST', `/api/tasks/${taskId}/resume`, { body: {} });
  }

  /** @param {string} datasetId */
  async #step(datasetId) {
    await this.#look();
    if (this.#alive.length < this.#tasksPerUser) return this.#create(datasetId);
    const taskId = /** @type {string} */ (this.#alive[Math.floor(this.#random() * this.#alive.length)]);
    const action = actionOf(this.#random());
    switch (action) {
      case 'pause and edit':
        return this.#pauseAndEdit(taskId);
      case 'edit stop conditions':
        return this.#edit(taskId, 'stop-conditions', { maxIterations: 1 + Math.floor(this.#random() * 3) });
      case 'upload':
        return this.#upload();
      case 'list':
        return void (await this.#client.request('GET', '/api/tasks?limit=100', { seconds: 5 }));
      case 'wait':
        return undefined;
      default:
        return this.#control(taskId, action);
    }
  }

  /** Of a task that rests, what does not change its result may be changed. @param {string} taskId */
  async #pauseAndEdit(taskId) {
    const seconds = 1 + Math.floor(this.#random() * 5);
    await this.#control(taskId, 'pause');
    await pause(TO_REST_MS);
    await this.#edit(taskId, 'hyperparameters', { checkpoint_interval_seconds: seconds });
  }

  /** @param {string} taskId @param {'hyperparameters' | 'stop-conditions'} what @param {object} body */
  async #edit(taskId, what, body) {
    await this.#client.request('PATCH', `/api/tasks/${taskId}/${what}`, { body, seconds: 30 });
  }

  /** @param {string} datasetId */
  async #create(datasetId) {
    const shape = /** @type {(typeof SHAPES)[number]} */ (SHAPES[Math.floor(this.#random() * SHAPES.length)]);
    const body = { ...shape.body, taskName: `${this.#marker} ${shape.name}`, datasetId };
    const { status, body: task } = await this.#client.request('POST', `/api/tasks/${shape.route}`, {
      body,
      key: this.#key(),
    });
    if (status !== 201) return;
    this.#made.push(task.taskId);
    this.#alive.push(task.taskId);
    await this.#client.request('POST', `/api/tasks/${task.taskId}/start`);
  }

  async #upload() {
    await this.#client.upload({ word: this.#marker, key: this.#key(), seed: this.#keys, rows: 40 });
  }

  /** @param {string} taskId @param {'pause' | 'resume' | 'cancel' | 'fail'} verb */
  async #control(taskId, verb) {
    const body = { reason: `${this.#marker} wants to ${verb}` };
    await this.#client.request('POST', `/api/tasks/${taskId}/${verb}`, { body, seconds: 30 });
  }

  /** Forgets what has ended. */
  async #look() {
    for (const taskId of [...this.#alive]) {
      const { status, body } = await this.#client.once('GET', `/api/tasks/${taskId}`);
      if (status === 200 && TERMINAL.has(body.status)) this.#alive = this.#alive.filter((one) => one !== taskId);
    }
  }
}
