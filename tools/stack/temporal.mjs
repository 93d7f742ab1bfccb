// @ts-check
// The Temporal development server: how it is run, when it is ready, and the search attributes WLOps writes.
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { messageOf, UserError } from '../shared/errors.mjs';

/** Names and types of the search attributes; workflows refuse to write one the server does not know. */
const SEARCH_ATTRIBUTES = /** @type {const} */ ({
  WlopsTaskId: 'Keyword',
  WlopsUserId: 'Keyword',
  WlopsMode: 'Keyword',
  WlopsStatus: 'Keyword',
  WlopsModel: 'Keyword',
  WlopsDatasetId: 'Keyword',
  WlopsIteration: 'Int',
  WlopsScore: 'Double',
});

/** Values of temporal.api.enums.v1.IndexedValueType. */
const INDEXED_VALUE_TYPES = { Keyword: 2, Int: 3, Double: 4 };
const GRPC_ALREADY_EXISTS = 6;

/** Users share task queues fairly; both switches are off in this server by default. */
const DYNAMIC_CONFIG = ['matching.useNewMatcher=true', 'matching.enableFairness=true'];

/** @param {{ dataDir: string, port: number, uiPort: number }} options */
export function temporalArguments({ dataDir, port, uiPort }) {
  return [
    ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ['--db-filename', path.join(dataDir, 'temporal.sqlite'), '--log-format', 'json', '--log-level', 'warn'],
    DYNAMIC_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
    Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
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
 * Registers the search attributes on a server that we did not start. Safe to repeat.
 * @param {string} address
 * @param {string} namespace
 * @throws {UserError} when it cannot be reached or refuses
 */
export async function registerSearchAttributes(address, namespace) {
  let connection;
  try {
    connection = await Connection.connect({ address, connectTimeout: 5000 });
    for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) {
      await connection.operatorService
        .addSearchAttributes({ namespace, searchAttributes: { [name]: INDEXED_VALUE_TYPES[type] } })
        .catch((error) => {
          if (error.code !== GRPC_ALREADY_EXISTS) throw error;
        });
    }
  } catch (error) {
    throw new UserError(`TEMPORAL_ADDRESS ${address}: cannot register search attributes: ${messageOf(error)}`);
  } finally {
    await connection?.close();
  }
}
