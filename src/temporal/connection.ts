/** The client's connection to Temporal. Workers have one of their own kind (`main-worker.ts`). */
import { Client, Connection } from '@temporalio/client';

export interface TemporalAddress {
  address: string;
  namespace: string;
}

/** A client that connects with its first call: a process may start before Temporal does. Close it with `connection.close()`. */
export function lazyTemporalClient({ address, namespace }: TemporalAddress): Client {
  return new Client({ connection: Connection.lazy({ address, connectTimeout: '5s' }), namespace });
}

/** True when Temporal answers within `timeoutMs`. */
export async function isTemporalReachable(client: Client, timeoutMs: number): Promise<boolean> {
  const connection = client.connection as Connection;
  try {
    await connection.withDeadline(Date.now() + timeoutMs, () => connection.workflowService.getSystemInfo({}));
    return true;
  } catch {
    return false;
  }
}
