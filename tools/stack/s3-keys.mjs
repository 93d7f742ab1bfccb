// @ts-check
// With which keys each program reaches the object store: the API and the worker with the bucket owner's, each Python service with its
// own. What those may do is said in deploy/s3/policy.mjs.
import { STORAGE_SERVICES } from '../../deploy/s3/policy.mjs';
import { UserError } from '../shared/errors.mjs';

/**
 * @typedef {import('../../deploy/s3/policy.mjs').StorageService} StorageService
 * @typedef {import('../../deploy/s3/accounts.mjs').Keys} Keys
 * @typedef {Pick<import('./components.mjs').Context, 'settings' | 'secrets' | 'env'>} Context
 */

/** @param {StorageService} service @returns {[string, string]} */
const variables = (service) => {
  const name = service.toUpperCase();
  return [`S3_${name}_ACCESS_KEY_ID`, `S3_${name}_SECRET_ACCESS_KEY`];
};

/** @param {NodeJS.ProcessEnv} env @param {StorageService} service @returns {Keys | undefined} */
function givenKeys(env, service) {
  const [accessKeyId, secretAccessKey] = variables(service).map((variable) => env[variable]);
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
}

/** @param {NodeJS.ProcessEnv} env @throws {UserError} where one half of a pair is missing */
export function checkServiceKeys(env) {
  for (const service of STORAGE_SERVICES) {
    const missing = variables(service).filter((variable) => !env[variable]);
    if (missing.length === 1)
      throw new UserError(`${variables(service).join(' and ')} belong together; set ${missing[0]}`);
  }
}

/** Keys given by the environment, also to the server that is started here, or made ones. @param {Context} context @returns {Keys} */
export function ownerKeys({ secrets, env }) {
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey };
  return { accessKeyId: secrets.s3AccessKeyId, secretAccessKey: secrets.s3SecretAccessKey };
}

/**
 * On a server that runs elsewhere a service without keys of its own gets the owner's; `sharedKeysWarning` tells.
 * @param {Context} context
 * @returns {Record<StorageService, Keys>}
 */
export function serviceKeys(context) {
  const { settings, secrets, env } = context;
  const made = {
    optimizer: secrets.s3OptimizerSecretAccessKey,
    trainer: secrets.s3TrainerSecretAccessKey,
    evaluator: secrets.s3EvaluatorSecretAccessKey,
  };
  const keys = STORAGE_SERVICES.map((service) => {
    const own = { accessKeyId: `wlops-${service}`, secretAccessKey: made[service] };
    return [service, givenKeys(env, service) ?? (settings.given.s3 ? ownerKeys(context) : own)];
  });
  return Object.fromEntries(keys);
}

/** What to tell the person whose services share the owner's keys; undefined where each has its own. @param {Context} context */
export function sharedKeysWarning({ settings, env }) {
  const sharing = STORAGE_SERVICES.filter((service) => !givenKeys(env, service));
  if (!settings.given.s3 || sharing.length === 0) return undefined;
  return (
    `warning: ${sharing.join(', ')} use${sharing.length === 1 ? 's' : ''} the keys of S3_ACCESS_KEY_ID and could read the rows that decide scores; ` +
    `set ${sharing.map((service) => variables(service)[0]).join(', ')} with their secrets (docs/operations.md has the policy)`
  );
}

/** Secrets that a Python service has no use for: those of people, of the database, and the other services' keys. */
const NOT_FOR_SERVICES = /^(DATABASE_URL|WLOPS_JWT_SECRET|WLOPS_ADMIN_.*|S3_[A-Z]+_(ACCESS_KEY_ID|SECRET_ACCESS_KEY))$/;

/** Secrets of one service. */
const ONLY_FOR = /** @type {Record<string, string>} */ ({
  WLOPS_TEACHER_API_KEY: 'optimizer',
  MLFLOW_TRACKING_TOKEN: 'trainer',
  MLFLOW_TRACKING_PASSWORD: 'trainer',
});

/** What the worker and the API see: all but the secrets of single services. @param {NodeJS.ProcessEnv} env @returns {NodeJS.ProcessEnv} */
export function controlEnvironment(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !(name in ONLY_FOR)));
}

/**
 * What one Python service sees.
 * @param {string} service @param {NodeJS.ProcessEnv} env of the application @param {Keys} keys @returns {NodeJS.ProcessEnv}
 */
export function serviceEnvironment(service, env, { accessKeyId, secretAccessKey }) {
  const isIts = (/** @type {string} */ name) => !NOT_FOR_SERVICES.test(name) && (ONLY_FOR[name] ?? service) === service;
  const seen = Object.entries(env).filter(([name]) => isIts(name));
  return { ...Object.fromEntries(seen), S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey };
}
