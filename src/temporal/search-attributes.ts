/** Makes WLOps' search attributes known to a namespace. A development server is told at its start; any other one here. */
import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/task-workflow';

/** Values of Temporal's `IndexedValueType`. */
const VALUE_TYPES = { KEYWORD: 2, INT: 3, DOUBLE: 4 } as const;

/** Adds those that are missing. May be repeated, and done by several workers at once. */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SEARCH_ATTRIBUTES).filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return [];
  const searchAttributes = Object.fromEntries(missing.map(({ name, type }) => [name, VALUE_TYPES[type]]));
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    // Another worker was faster.
    if (!/already exist/i.test(String(error))) throw error;
  }
  return missing.map(({ name }) => name);
}
