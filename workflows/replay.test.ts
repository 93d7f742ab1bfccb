import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { markerOf, readExecutions, replayExecutions, type RecordedExecution } from '../src/testing/histories';
import { SCENARIOS } from './histories/scenarios';
import { PATCHES } from './patches';

const FOLDER = path.join(__dirname, 'histories');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.jsonl.br'));
const LATEST = 'writes-follow-answers.jsonl.br';
const BUNDLE = { codePath: process.env.WLOPS_TEST_WORKFLOW_BUNDLE ?? '' };

async function read(file: string): Promise<RecordedExecution[]> {
  const executions: RecordedExecution[] = [];
  for await (const execution of readExecutions(path.join(FOLDER, file))) executions.push(execution);
  return executions;
}

interface RecordedFailure {
  failure?: { applicationFailureInfo?: { type?: string } };
}

/** COMPLETED, CANCELLED, or the type of the failure. */
function endOf({ runs }: RecordedExecution): string {
  const last = runs.at(-1)?.history.events.at(-1) ?? {};
  if ('workflowExecutionCompletedEventAttributes' in last) return 'COMPLETED';
  if ('workflowExecutionCanceledEventAttributes' in last) return 'CANCELLED';
  const { failure } =
    (last as { workflowExecutionFailedEventAttributes?: RecordedFailure }).workflowExecutionFailedEventAttributes ?? {};
  return failure?.applicationFailureInfo?.type ?? JSON.stringify(last);
}

beforeAll(() => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: { core: 'OFF' as never, other: 'OFF' as never } } },
  });
});

test('of every scenario a history is recorded, whole chains included, and there are at least 500 in all', async () => {
  const all = (await Promise.all(FILES.map(read))).flat();
  const names = new Set(all.map(({ name }) => name));
  expect(SCENARIOS.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
  expect(all.reduce((runs, one) => runs + one.runs.length, 0)).toBeGreaterThanOrEqual(500);
  expect(Math.max(...all.map(({ runs }) => runs.length))).toBeGreaterThanOrEqual(12);
});

test('the newest file has each scenario, and each ended as it is meant to', async () => {
  const ends = new Map(SCENARIOS.map((scenario) => [scenario.name, scenario.ends]));
  const ended = (await read(LATEST)).map((execution) => ({ name: execution.name, end: endOf(execution) }));
  expect(ended.map(({ name }) => name).sort()).toEqual([...ends.keys()].sort());
  expect(ended.filter(({ name, end }) => !ends.get(name)?.includes(end))).toEqual([]);
});

test('of every change that has a name the newest file has histories, and of a task that goes on in another run inside a phase', async () => {
  const executions = await read(LATEST);
  const text = JSON.stringify(executions);
  expect(Object.values(PATCHES).filter((name) => !text.includes(markerOf(name)))).toEqual([]);
  const edited = executions.find(({ name }) => name === 'edited-into-another-run');
  expect(edited?.runs.length).toBeGreaterThan(2);
});

test.each(FILES)(
  'today’s workflows replay all of %s',
  async (file) => {
    const { faults, executions } = await replayExecutions(BUNDLE, await read(file));
    expect(faults.map(({ name, run, error }) => `${name}, run ${run}: ${error.message}`)).toEqual([]);
    expect(executions).toBeGreaterThan(0);
  },
  300_000,
);

test('a history in which something else was done than the workflows do is found out', async () => {
  const execution = (await read(LATEST)).find(({ name }) => name === 'standard-training-0-completed');
  const history = JSON.stringify(execution).replace('"name":"trainModel"', '"name":"trainAnotherModel"');
  const { faults } = await replayExecutions(BUNDLE, [JSON.parse(history) as RecordedExecution]);
  expect(faults).toEqual([expect.objectContaining({ run: 0, error: expect.any(DeterminismViolationError) })]);
});

test('a change of the workflows that forgets what old histories hold is found out', async () => {
  // As if somebody had given the patch another name, with tasks under way.
  const codePath = `${BUNDLE.codePath}.changed.js`;
  const code = readFileSync(BUNDLE.codePath, 'utf8');
  expect(code).toContain('interrupting-pause');
  writeFileSync(codePath, code.replaceAll('interrupting-pause', 'another-pause'));
  const paused = (await read(LATEST)).filter(({ name }) => name.endsWith('-paused'));
  const { faults } = await replayExecutions({ codePath }, paused);
  expect(new Set(faults.map(({ name }) => name))).toEqual(new Set(paused.map(({ name }) => name)));
  expect(faults.every(({ error }) => error instanceof DeterminismViolationError)).toBe(true);
}, 60_000);
