/** A namespace of its own on the tests' Temporal server, so that test files do not see one another's task queues. */
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { registerSearchAttributes } from '../temporal/search-attributes';
import { until } from './until';

export interface TestTemporal {
  address: string;
  namespace: string;
  client: Client;
  connection: Connection;
  nativeConnection: NativeConnection;
  close(): Promise<void>;
}

let installed = false;

/** Connects, and makes a namespace that knows the search attributes. Close it in `afterAll`. */
export async function openTestTemporal(): Promise<TestTemporal> {
  if (!installed) {
    // Cancelled jobs answer late by design, which the SDK's core warns of.
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
    });
  }
  installed = true;
  const address = process.env.WLOPS_TEST_TEMPORAL_ADDRESS;
  if (!address) throw new Error('WLOPS_TEST_TEMPORAL_ADDRESS is not set; jest sets it in src/testing/global-setup.cjs');
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  const nativeConnection = await NativeConnection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
  });
  // The server learns of a new namespace from time to time.
  await until('the namespace to be usable', () =>
    registerSearchAttributes(connection, namespace).then(
      (added) => added.length === 0,
      () => false,
    ),
  );
  const client = new Client({ connection, namespace });
  await until('the namespace to be known everywhere', () =>
    client.workflow.count('WlopsTaskId = "none"').then(
      () => true,
      () => false,
    ),
  );
  return {
    address,
    namespace,
    client,
    connection,
    nativeConnection,
    async close() {
      await nativeConnection.close();
      await connection.close();
    },
  };
}

/** protobuf's 64-bit integers; a plain number is accepted where one fits. */
type Long = NonNullable<
  NonNullable<
    Parameters<Connection['workflowService']['registerNamespace']>[0]['workflowExecutionRetentionPeriod']
  >['seconds']
>;
