// @ts-check
// The ports of the full Temporal server beside its public one. Its four parts are one process here and still speak by TCP.

/** The public part is `frontend`. The distances are those of Temporal's own defaults, of the ring by a round number. */
const SERVICES = /** @type {const} */ ({ frontend: 0, history: 1, matching: 2, worker: 6 });
const RING_DISTANCE = -300;

/** @typedef {keyof typeof SERVICES} TemporalService */

/**
 * @param {number} port the public one
 * @returns {Record<TemporalService, { grpc: number, ring: number }>}
 */
export function temporalServicePorts(port) {
  const entries = Object.entries(SERVICES).map(([name, distance]) => [
    name,
    { grpc: port + distance, ring: port + distance + RING_DISTANCE },
  ]);
  return Object.fromEntries(entries);
}

/** All but the public one. @param {number} port */
export const temporalInnerPorts = (port) =>
  Object.values(temporalServicePorts(port))
    .flatMap(({ grpc, ring }) => [grpc, ring])
    .filter((inner) => inner !== port);
