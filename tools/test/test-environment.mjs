// @ts-check
// The environment of the tests. Addresses of servers are taken out, so that no test touches a real one; in their place the programs:
//   WLOPS_TEST_TEMPORAL  the Temporal CLI          WLOPS_VERSITYGW    the S3 server
//   WLOPS_TEST_PYTHON    the services' Python      PATH, LD_LIBRARY_PATH begin with those of PostgreSQL
import path from 'node:path';
import { findPostgresPrograms } from '../servers/postgres-programs.mjs';
import { postgresPlace, reachablePrograms } from '../stack/postgres-place.mjs';

const STACK_VARIABLES =
  /^(DATABASE_URL|S3_.*|TEMPORAL_.*|AMQP_URL|WLOPS_(DATA_DIR|PORT_OFFSET|TEMPORAL_STORE|LOG_LEVEL|ADMIN_.*|.*_PORT|.*_URL|.*_SECRET))$/;

/** The environment without anything that describes a running stack. @param {NodeJS.ProcessEnv} env */
export const withoutStack = (env) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !STACK_VARIABLES.test(name)));

/**
 * @param {{ env: NodeJS.ProcessEnv, installation: import('../setup/setup.mjs').Installation }} options
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function testEnvironment({ env, installation }) {
  const found = await findPostgresPrograms({ env });
  const { bin, lib } = reachablePrograms(found, postgresPlace('/').account);
  const { temporal, s3 } = installation.servers;
  return {
    ...env,
    PATH: [bin, env.PATH].join(path.delimiter),
    ...(lib ? { LD_LIBRARY_PATH: [lib, env.LD_LIBRARY_PATH].filter(Boolean).join(path.delimiter) } : {}),
    WLOPS_TEST_TEMPORAL: temporal.origin === 'address' ? '' : temporal.file,
    WLOPS_VERSITYGW: s3.origin === 'address' ? '' : s3.file,
    WLOPS_TEST_PYTHON: installation.python,
    // Tests run side by side; a thread for every core in each of them would only make them wait for each other.
    OMP_NUM_THREADS: env.OMP_NUM_THREADS || '1',
  };
}
