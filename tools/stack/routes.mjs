// @ts-check
// By which port each process reaches each of the others. Straight, unless who runs the stack says otherwise: the fault tests lay a
// proxy into every connection.

/**
 * @typedef {'postgres' | 's3' | 'temporal' | 'optimizer' | 'trainer' | 'evaluator'} RouteTarget
 * @typedef {(from: string, to: RouteTarget, port: number) => number} Route from a process to another's port; answers with the port to use
 */

/** Which variable holds whose address. */
const VARIABLES = /** @type {const} */ ({
  DATABASE_URL: 'postgres',
  S3_ENDPOINT: 's3',
  TEMPORAL_ADDRESS: 'temporal',
  WLOPS_OPTIMIZER_URL: 'optimizer',
  WLOPS_TRAINER_URL: 'trainer',
  WLOPS_EVALUATOR_URL: 'evaluator',
});

/** The port of an address with one, whether it begins with a scheme or not: the digits after the last colon before path or end. */
const PORT = /:(\d+)(?=\/|$)/;

/**
 * The environment of one process with its addresses led by the route.
 * @param {string} from name of the process
 * @param {NodeJS.ProcessEnv} env
 * @param {Route | undefined} route
 * @returns {NodeJS.ProcessEnv}
 */
export function routed(from, env, route) {
  if (!route) return env;
  const changed = Object.entries(VARIABLES).flatMap(([variable, to]) => {
    const address = env[variable];
    return address ? [[variable, address.replace(PORT, (_, port) => `:${route(from, to, Number(port))}`)]] : [];
  });
  return { ...env, ...Object.fromEntries(changed) };
}
