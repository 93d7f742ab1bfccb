/**
 * Histories of workflow executions: fetched from a server, kept in files, replayed with a bundle. A file holds one execution's runs a
 * line, the whole continue-as-new chain in order, as compressed JSON. What says who ran it and where is taken out; replay does not look
 * at it.
 */
import { createReadStream, writeFileSync } from 'node:fs';
import readline from 'node:readline';
import { brotliCompressSync, constants, createBrotliDecompress } from 'node:zlib';
import type { Client } from '@temporalio/client';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils';
import { Worker, type WorkflowBundle } from '@temporalio/worker';

/** One run, as JSON that `historyFromJSON` reads. */
export interface RecordedRun {
  workflowId: string;
  history: { events: Record<string, unknown>[] };
}

export interface RecordedExecution {
  /** What it is an example of; for one that a test started, its workflow's id. */
  name: string;
  runs: RecordedRun[];
}

/** All executions of tasks that the client's namespace knows, by their first runs. */
export async function executionsOf(client: Client): Promise<string[]> {
  const ids = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ pageSize: 500 })) ids.add(workflowId);
  return [...ids].sort();
}

/** The runs of an execution from its first to its latest, which need not have ended. */
export async function fetchExecution(
  client: Client,
  workflowId: string,
  name = workflowId,
): Promise<RecordedExecution> {
  const last = await client.workflow.getHandle(workflowId).fetchHistory();
  let runId: string | null | undefined = last.events?.[0]?.workflowExecutionStartedEventAttributes?.firstExecutionRunId;
  const runs: RecordedRun[] = [];
  while (runId) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    runs.push({ workflowId, history: anonymous(JSON.parse(historyToJSON(history))) as RecordedRun['history'] });
    runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return { name, runs };
}

/** What a person reads of an event: the summary of the activity that it schedules; empty for others. */
export function summaryOf(event: Record<string, unknown>): string {
  const { summary } = (event.userMetadata ?? {}) as { summary?: { data?: string } };
  return summary?.data ? (JSON.parse(Buffer.from(summary.data, 'base64').toString('utf8')) as string) : '';
}

/** How the marker of a change that has this name looks in a run as JSON. */
export const markerOf = (id: string): string =>
  Buffer.from(JSON.stringify({ id, deprecated: false })).toString('base64');

/** Writes executions to a file. `best`: as small as can be, for what is kept for good. */
export function writeExecutions(file: string, executions: RecordedExecution[], best = false): void {
  const lines = executions.map((execution) => `${JSON.stringify(readable(execution))}\n`).join('');
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: best ? constants.BROTLI_MAX_QUALITY : 4,
    // What two histories have in common may stand far apart.
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
  };
  writeFileSync(file, brotliCompressSync(lines, { params }));
}

/** The executions of a file, one after the other. */
export async function* readExecutions(file: string): AsyncGenerator<RecordedExecution> {
  const lines = readline.createInterface({ input: createReadStream(file).pipe(createBrotliDecompress()) });
  for await (const line of lines) yield asServed(JSON.parse(line)) as RecordedExecution;
}

export interface ReplayReport {
  executions: number;
  runs: number;
  /** What was not replayed to its end, with why. */
  faults: { name: string; run: number; error: Error }[];
}

/** Replays whole executions with a bundle's workflows. */
export async function replayExecutions(
  workflowBundle: WorkflowBundle | { codePath: string },
  executions: AsyncIterable<RecordedExecution> | Iterable<RecordedExecution>,
): Promise<ReplayReport> {
  const report: ReplayReport = { executions: 0, runs: 0, faults: [] };
  const names: { name: string; run: number }[] = [];
  async function* histories() {
    for await (const { name, runs } of executions) {
      report.executions += 1;
      for (const [run, { workflowId, history }] of runs.entries()) {
        names.push({ name, run });
        yield { workflowId, history: historyFromJSON(history) };
      }
    }
  }
  for await (const { error } of Worker.runReplayHistories({ workflowBundle }, histories())) {
    const place = names[report.runs] ?? { name: 'unknown', run: 0 };
    report.runs += 1;
    if (error) report.faults.push({ ...place, error });
  }
  return report;
}

function anonymous(value: unknown): unknown {
  return mapFields(value, (name, inner) => {
    if (name === 'identity' || name === 'stackTrace') return '';
    if (name === 'taskQueue' && JSON.stringify(inner).includes('STICKY')) return { name: 'sticky' };
    return undefined;
  });
}

/** Payloads as text: base64 hides from the compressor what they have in common. */
function readable(value: unknown): unknown {
  return mapFields(value, (name, inner) =>
    name === 'data' && typeof inner === 'string' ? { text: Buffer.from(inner, 'base64').toString('utf8') } : undefined,
  );
}

function asServed(value: unknown): unknown {
  return mapFields(value, (name, inner) =>
    name === 'data' && isText(inner) ? Buffer.from(inner.text, 'utf8').toString('base64') : undefined,
  );
}

function isText(value: unknown): value is { text: string } {
  return typeof value === 'object' && value !== null && typeof (value as { text?: unknown }).text === 'string';
}

/** The same with each field, at any depth, replaced by what `change` gives for it, if it gives something. */
function mapFields(value: unknown, change: (name: string, inner: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => mapFields(inner, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, change(name, inner) ?? mapFields(inner, change)]);
  return Object.fromEntries(entries) as unknown;
}
