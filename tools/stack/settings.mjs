// @ts-check
// What a stack is started with: its data folder, its ports, and the servers that run elsewhere. Read once from the environment.
import { z } from 'zod';
import { UserError } from '../shared/errors.mjs';
import { dataDirectory } from '../shared/paths.mjs';
import { checkServiceKeys } from './s3-keys.mjs';
import { temporalInnerPorts } from './temporal-ports.mjs';

/** The ports of the stack: which variable sets each, and its default, to which WLOPS_PORT_OFFSET is added. */
const PORTS = /** @type {const} */ ({
  postgres: ['WLOPS_POSTGRES_PORT', 15432],
  s3: ['WLOPS_S3_PORT', 19000],
  temporal: ['WLOPS_TEMPORAL_PORT', 7233],
  temporalUi: ['WLOPS_TEMPORAL_UI_PORT', 8233],
  optimizer: ['WLOPS_OPTIMIZER_PORT', 8002],
  evaluator: ['WLOPS_EVALUATOR_PORT', 8003],
  trainer: ['WLOPS_TRAINER_PORT', 8004],
  worker: ['WLOPS_METRICS_PORT', 9464],
  api: ['WLOPS_API_PORT', 8080],
});

/** Components that can run elsewhere, by the variable that holds their address. */
const ADDRESSES = /** @type {const} */ ({
  postgres: 'DATABASE_URL',
  s3: 'S3_ENDPOINT',
  temporal: 'TEMPORAL_ADDRESS',
  optimizer: 'WLOPS_OPTIMIZER_URL',
  evaluator: 'WLOPS_EVALUATOR_URL',
  trainer: 'WLOPS_TRAINER_URL',
});

/**
 * @typedef {keyof typeof PORTS} PortName
 * @typedef {keyof typeof ADDRESSES} AddressName
 * @typedef {{ port: number, variable: string }} PortSetting
 *
 * @typedef {object} StackSettings
 * @property {string} dataDir absolute
 * @property {Record<PortName, PortSetting>} ports
 * @property {Partial<Record<AddressName, string>>} given addresses of components that run elsewhere and are not started
 * @property {string} bucket
 * @property {string} temporalNamespace
 * @property {'sqlite' | 'postgresql'} temporalStore
 */

/** @param {string} variable @param {string} text @param {number} minimum @param {number} maximum */
function readInteger(variable, text, minimum, maximum) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new UserError(`${variable} must be a whole number from ${minimum} to ${maximum}; it is "${text}"`);
}

/** @param {string} variable @param {string | undefined} text @param {readonly string[]} choices the first is the default */
function readChoice(variable, text, choices) {
  if (!text) return choices[0];
  if (choices.includes(text)) return text;
  throw new UserError(`${variable} must be ${choices.join(' or ')}; it is "${text}"`);
}

/**
 * Where Temporal keeps its histories: the development server in a SQLite file, or the full server in the embedded PostgreSQL.
 * @param {NodeJS.ProcessEnv} env @param {StackSettings['given']} given @returns {StackSettings['temporalStore']}
 */
function readTemporalStore(env, given) {
  const store = readChoice('WLOPS_TEMPORAL_STORE', env.WLOPS_TEMPORAL_STORE, ['sqlite', 'postgresql']);
  if (store === 'postgresql' && given.postgres && !given.temporal) {
    throw new UserError(
      'WLOPS_TEMPORAL_STORE=postgresql needs the embedded PostgreSQL; with DATABASE_URL set, run a Temporal server yourself and set TEMPORAL_ADDRESS',
    );
  }
  return /** @type {StackSettings['temporalStore']} */ (store);
}

/**
 * Refused before it is kept: what the first start is given stays.
 * @param {NodeJS.ProcessEnv} env
 */
function checkAdministrator({ WLOPS_ADMIN_EMAIL: email, WLOPS_ADMIN_PASSWORD: password }) {
  if (email && !z.email().safeParse(email).success)
    throw new UserError(`WLOPS_ADMIN_EMAIL must be an e-mail address, such as admin@wlops.local; it is "${email}"`);
  if (password && (password.length < 8 || password.length > 200))
    throw new UserError(`WLOPS_ADMIN_PASSWORD must have 8 to 200 characters; it has ${password.length}`);
}

/**
 * @param {NodeJS.ProcessEnv} env an empty variable counts as unset
 * @returns {StackSettings}
 * @throws {UserError} naming the variable that is wrong
 */
export function readStackSettings(env) {
  const offset = readInteger('WLOPS_PORT_OFFSET', env.WLOPS_PORT_OFFSET || '0', 0, 30_000);
  const ports = Object.fromEntries(
    Object.entries(PORTS).map(([name, [variable, standard]]) => {
      const text = env[variable];
      return [name, { variable, port: text ? readInteger(variable, text, 1, 65_535) : standard + offset }];
    }),
  );
  const given = Object.fromEntries(
    Object.entries(ADDRESSES).flatMap(([name, variable]) => (env[variable] ? [[name, env[variable]]] : [])),
  );
  if (given.s3 && !(env.S3_ACCESS_KEY_ID && env.S3_SECRET_ACCESS_KEY)) {
    throw new UserError('S3_ENDPOINT is set, so S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set as well');
  }
  checkServiceKeys(env);
  checkAdministrator(env);
  return {
    dataDir: dataDirectory(env),
    ports: /** @type {StackSettings['ports']} */ (ports),
    given,
    bucket: env.S3_BUCKET || 'wlops',
    temporalNamespace: env.TEMPORAL_NAMESPACE || 'default',
    temporalStore: readTemporalStore(env, given),
  };
}

/** Whether this stack runs the full Temporal server. @param {StackSettings} settings */
export const runsTemporalCluster = ({ temporalStore, given }) => temporalStore === 'postgresql' && !given.temporal;

/** The Temporal UI comes with the development server only. @param {StackSettings} settings */
export const hasOwnTemporalUi = ({ temporalStore, given }) => temporalStore === 'sqlite' && !given.temporal;

/** The ports that this stack will listen on itself. @param {StackSettings} settings */
export function ownPorts(settings) {
  const { ports, given } = settings;
  const { variable, port } = ports.temporal;
  const inner = runsTemporalCluster(settings)
    ? temporalInnerPorts(port).map((inner) => ({ name: 'temporal', variable, port: inner }))
    : [];
  return [
    ...Object.entries(ports)
      .filter(([name]) => !(name in given) && (name !== 'temporalUi' || hasOwnTemporalUi(settings)))
      .map(([name, setting]) => ({ name, ...setting })),
    ...inner,
  ];
}
