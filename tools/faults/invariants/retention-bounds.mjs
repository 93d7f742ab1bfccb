// @ts-check
// How old something may become that belongs to nothing, before it is a violation: as old as retention and the API's sweeper let it, and
// as long again as a pass may come late. Grace time and interval are read where the worker reads them.
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT } from '../../shared/paths.mjs';

const HOUR_MS = 3_600_000;
/** A schedule catches up within ten minutes what it missed, and a pass takes its time. */
const LATE_MS = 900_000;
/** Held against the sources by tests/tools/retention-bounds.test.mjs. */
export const PARTS = {
  /** `OPEN_UPLOAD_MS` of retention: parts that a service left, of a task that has ended or is not known. */
  ofServicesMs: HOUR_MS,
  /** `STALE_UPLOAD_MS` and `SWEEP_EVERY_MS` of the API's sweeper: parts that a user left. */
  ofUsersMs: 24 * HOUR_MS,
  sweptEveryMs: HOUR_MS,
};

/**
 * @typedef {object} RetentionBounds milliseconds; infinite where retention is off
 * @property {number} objectMs an object without a row
 * @property {number} uploadMs parts of a user's upload
 * @property {number} partsMs parts of a service's, of a task that has ended or that nobody knows
 * @property {number} partsOfRunningMs parts of a service's, of a task that has not ended
 */

/**
 * @param {NodeJS.ProcessEnv} env of the stack
 * @returns {RetentionBounds}
 */
export function retentionBounds(env) {
  const { CONFIG_SCHEMAS } = createRequire(import.meta.url)(path.join(ROOT, 'dist/src/config.js'));
  const schema = CONFIG_SCHEMAS.worker.pick({
    WLOPS_RETENTION: true,
    WLOPS_RETENTION_EVERY_SECONDS: true,
    WLOPS_RETENTION_GRACE_HOURS: true,
  });
  const values = schema.parse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  const isOn = values.WLOPS_RETENTION === 'on';
  const passMs = isOn ? values.WLOPS_RETENTION_EVERY_SECONDS * 1000 + LATE_MS : Infinity;
  const graceMs = values.WLOPS_RETENTION_GRACE_HOURS * HOUR_MS;
  return {
    objectMs: graceMs + passMs,
    uploadMs: PARTS.ofUsersMs + PARTS.sweptEveryMs + LATE_MS,
    partsMs: PARTS.ofServicesMs + passMs,
    partsOfRunningMs: graceMs + passMs,
  };
}
