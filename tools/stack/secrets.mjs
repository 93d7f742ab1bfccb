// @ts-check
// The stack's own secrets: made at random on the first start, kept in the data folder, readable by its owner only.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} Secrets
 * @property {string} postgresPassword
 * @property {string} s3AccessKeyId
 * @property {string} s3SecretAccessKey
 * @property {string} s3OptimizerSecretAccessKey
 * @property {string} s3TrainerSecretAccessKey
 * @property {string} s3EvaluatorSecretAccessKey
 * @property {string} jwtSecret signs the access tokens of people
 * @property {string} serviceSecret signs the tokens between worker and services
 * @property {string} adminEmail
 * @property {string} adminPassword
 * @property {boolean} [adminPasswordUntold] it was made up and nobody has been told yet
 */

const random = (/** @type {number} */ bytes) => randomBytes(bytes).toString('base64url');

/** @type {{ [name in Exclude<keyof Secrets, 'adminPasswordUntold'>]: () => string }} */
const MAKERS = {
  postgresPassword: () => random(24),
  s3AccessKeyId: () => `wlops${randomBytes(8).toString('hex')}`,
  s3SecretAccessKey: () => random(30),
  s3OptimizerSecretAccessKey: () => random(30),
  s3TrainerSecretAccessKey: () => random(30),
  s3EvaluatorSecretAccessKey: () => random(30),
  jwtSecret: () => random(48),
  serviceSecret: () => random(48),
  adminEmail: () => 'admin@wlops.local',
  adminPassword: () => random(18),
};

/** @param {string} dataDir */
const secretsFile = (dataDir) => path.join(dataDir, 'secrets.json');

/** @param {string} dataDir @param {Secrets} secrets */
function write(dataDir, secrets) {
  fs.mkdirSync(dataDir, { recursive: true });
  const fresh = `${secretsFile(dataDir)}.new`;
  fs.writeFileSync(fresh, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(fresh, secretsFile(dataDir));
}

/**
 * Reads the secrets of a data folder and makes those that are missing. Safe to repeat.
 * @param {string} dataDir
 * @param {NodeJS.ProcessEnv} env `WLOPS_ADMIN_EMAIL` and `WLOPS_ADMIN_PASSWORD` are kept from the first start on
 * @returns {Secrets}
 */
export function loadSecrets(dataDir, env) {
  const file = secretsFile(dataDir);
  /** @type {Partial<Secrets>} */
  const known = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const madeAdmin = known.adminPassword === undefined && !env.WLOPS_ADMIN_PASSWORD;
  const adminPasswordUntold = madeAdmin || known.adminPasswordUntold;
  known.adminEmail ??= env.WLOPS_ADMIN_EMAIL || undefined;
  known.adminPassword ??= env.WLOPS_ADMIN_PASSWORD || undefined;
  const entries = Object.entries(MAKERS).map(([name, make]) => [
    name,
    known[/** @type {keyof typeof MAKERS} */ (name)] ?? make(),
  ]);
  const secrets = /** @type {Secrets} */ ({
    ...Object.fromEntries(entries),
    ...(adminPasswordUntold ? { adminPasswordUntold } : {}),
  });
  write(dataDir, secrets);
  return secrets;
}

/** The made-up password of the administrator was shown; it is shown once. @param {string} dataDir @param {Secrets} secrets */
export function noteAdminPasswordTold(dataDir, secrets) {
  const { adminPasswordUntold: _told, ...rest } = secrets;
  write(dataDir, rest);
}
