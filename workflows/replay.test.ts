import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

interface RecordedRun {
  workflowId: string;
  history: {
    events: { eventType: string; activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
  };
}

const FOLDER = path.join(__dirname, 'histories');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.json.gz'));

function runsOf(file: string): RecordedRun[] {
  return JSON.parse(gunzipSync(readFileSync(path.join(FOLDER, file))).toString('utf8')) as RecordedRun[];
}

function replay(run: RecordedRun): Promise<void> {
  const codePath = process.env.WLOPS_TEST_WORKFLOW_BUNDLE ?? '';
  return Worker.runReplayHistory({ workflowBundle: { codePath } }, historyFromJSON(run.history), run.workflowId);
}

beforeAll(() => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: { core: 'OFF' as never, other: 'OFF' as never } } },
  });
});

test('histories of both modes are recorded, whole chains included', () => {
  expect(FILES.length).toBeGreaterThanOrEqual(8);
  const lengths = FILES.map((file) => runsOf(file).length);
  expect(Math.max(...lengths)).toBeGreaterThanOrEqual(3);
});

test.each(FILES)('today’s workflows replay %s to its end', async (file) => {
  for (const run of runsOf(file)) await replay(run);
});

test('a workflow that would do something else than recorded is found out', async () => {
  const [run] = runsOf('standard-completed.json.gz');
  const scheduled = run?.history.events.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'trainModel',
  );
  if (!run || !scheduled?.activityTaskScheduledEventAttributes) throw new Error('the recording has no training');
  scheduled.activityTaskScheduledEventAttributes.activityType.name = 'trainAnotherModel';
  await expect(replay(run)).rejects.toBeInstanceOf(DeterminismViolationError);
});
