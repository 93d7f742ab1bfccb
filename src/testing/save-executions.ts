/** Keeps every execution of a test's Temporal server, of all namespaces, in a file that the replay step reads. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { executionsOf, fetchExecution, writeExecutions, type RecordedExecution } from './histories';

const AT_ONCE = 8;

export async function saveExecutions(address: string, file: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const { namespaces = [] } = await connection.workflowService.listNamespaces({ pageSize: 1000 });
    const names = namespaces.flatMap(({ namespaceInfo }) => namespaceInfo?.name ?? []);
    const saved: RecordedExecution[] = [];
    for (const namespace of names.filter((name) => name !== 'temporal-system')) {
      saved.push(...(await all(new Client({ connection, namespace }))));
    }
    mkdirSync(path.dirname(file), { recursive: true });
    writeExecutions(file, saved);
  } finally {
    await connection.close();
  }
}

async function all(client: Client): Promise<RecordedExecution[]> {
  const left = await executionsOf(client);
  const saved: RecordedExecution[] = [];
  const fetch = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) saved.push(await fetchExecution(client, id));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fetch));
  return saved;
}
