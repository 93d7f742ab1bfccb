// @ts-check
// The Temporal development server: how it is run and when it is ready. The worker registers the search attributes.
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { UserError } from '../shared/errors.mjs';
import { waitUntil } from '../shared/wait.mjs';

/** A server that is given may be starting too. */
const GIVEN_SERVER_TIMEOUT_MS = 20_000;

/** Users share task queues fairly; both switches are off in this server by default. */
const DYNAMIC_CONFIG = ['matching.useNewMatcher=true', 'matching.enableFairness=true'];

/** @param {{ dataDir: string, port: number, uiPort: number, namespace: string }} options */
export function temporalArguments({ dataDir, port, uiPort, namespace }) {
  return [
    ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ['--namespace', namespace],
    ['--db-filename', path.join(dataDir, 'temporal.sqlite'), '--log-format', 'json', '--log-level', 'warn'],
    DYNAMIC_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
  ].flat();
}

/**
 * Whether the server answers and knows the namespace.
 * @param {string} address
 * @param {string} namespace
 */
export async function temporalAnswers(address, namespace) {
  let connection;
  try {
    connection = await Connection.connect({ address, connectTimeout: 1000 });
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}

/**
 * Waits until a server that was given answers.
 * @param {NodeJS.ProcessEnv} env with TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE
 * @param {number} [timeoutMs]
 * @throws {UserError} when it does not answer, or does not know the namespace
 */
export async function requireTemporal(
  { TEMPORAL_ADDRESS = '', TEMPORAL_NAMESPACE = '' },
  timeoutMs = GIVEN_SERVER_TIMEOUT_MS,
) {
  const answers = await waitUntil(() => temporalAnswers(TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE), {
    timeoutMs,
    intervalMs: 500,
  });
  if (!answers) {
    throw new UserError(
      `no Temporal server with the namespace ${TEMPORAL_NAMESPACE} answers at TEMPORAL_ADDRESS ${TEMPORAL_ADDRESS}; ` +
        'start it, or correct TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE',
    );
  }
}
