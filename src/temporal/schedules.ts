/**
 * The Temporal Schedules of the maintenance workflows. Every worker makes sure of them at its start: what is missing is created, what an
 * older version or other settings made is brought up to date, what is right stays untouched, and a pause by an operator stays a pause.
 * Not covered: what the workflows do (`workflows/maintenance`).
 */
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
} from '@temporalio/client';
import { MAINTENANCE_WORKFLOWS, SCHEDULE_IDS } from '../contracts/maintenance';
import { TASK_QUEUES } from '../contracts/task-workflow';

/** Seconds between two runs; null: there is no such schedule. */
export interface ScheduleSettings {
  sweepStartsSeconds: number;
  reconcileSeconds: number;
  retentionSeconds: number | null;
}

interface ScheduleLog {
  info(fields: object, message: string): void;
}

interface Wanted {
  scheduleId: string;
  workflowType: string;
  args: unknown[];
  everySeconds: number | null;
  /** After an outage a run is made up for if it is not older. Temporal takes no less than ten seconds. */
  catchUpSeconds: number;
  /** A line beside each execution. */
  summary: string;
  /** What `temporal schedule describe` tells of it. */
  note: string;
}

type Outcome = 'created' | 'updated' | 'removed' | 'unchanged';

function wantedSchedules({ sweepStartsSeconds, reconcileSeconds, retentionSeconds }: ScheduleSettings): Wanted[] {
  return [
    {
      scheduleId: SCHEDULE_IDS.sweepStarts,
      workflowType: MAINTENANCE_WORKFLOWS.sweepStarts,
      args: [],
      everySeconds: sweepStartsSeconds,
      catchUpSeconds: 10,
      summary: 'starts tasks whose start was asked for and is in doubt',
      note: 'Starts tasks whose start was asked for while Temporal was down, or by an API that died. Paused: such tasks stay PENDING.',
    },
    {
      scheduleId: SCHEDULE_IDS.reconcile,
      workflowType: MAINTENANCE_WORKFLOWS.reconcile,
      args: [],
      everySeconds: reconcileSeconds,
      catchUpSeconds: 10,
      summary: 'compares tasks with their workflows and jobs with their tasks',
      note: 'Ends tasks whose workflow was terminated or lost, and stops jobs that nobody waits for. Paused: both go on showing and working.',
    },
    {
      scheduleId: SCHEDULE_IDS.retention,
      workflowType: MAINTENANCE_WORKFLOWS.retention,
      args: [{ dryRun: false }],
      everySeconds: retentionSeconds,
      catchUpSeconds: 600,
      summary: 'removes what nobody can reach any more from the bucket',
      note: 'Removes unreachable objects: temporary data sets, checkpoints, what failed jobs left. Off for good: WLOPS_RETENTION=off.',
    },
  ];
}

/** Makes the schedules as they shall be, and answers with what was done, by id. May be repeated, and done by several workers at once. */
export async function ensureSchedules(
  client: Client,
  settings: ScheduleSettings,
  log: ScheduleLog,
): Promise<Record<string, Outcome>> {
  const outcomes: Record<string, Outcome> = {};
  for (const wanted of wantedSchedules(settings)) {
    const outcome = await ensure(client, wanted);
    outcomes[wanted.scheduleId] = outcome;
    const { scheduleId, everySeconds } = wanted;
    if (outcome !== 'unchanged') log.info({ scheduleId, everySeconds }, `schedule ${outcome}`);
  }
  return outcomes;
}

async function ensure(client: Client, wanted: Wanted): Promise<Outcome> {
  const { everySeconds } = wanted;
  if (everySeconds === null) return remove(client, wanted.scheduleId);
  const options = optionsOf(wanted, everySeconds);
  try {
    await client.schedule.create({ scheduleId: wanted.scheduleId, ...options, state: { note: wanted.note } });
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const handle = client.schedule.getHandle(wanted.scheduleId);
  if (isCurrent(await handle.describe(), wanted, options)) return 'unchanged';
  await handle.update(({ state }) => ({
    ...options,
    // The note of a paused one is the operator's.
    state: { paused: state.paused, note: state.paused ? state.note : wanted.note },
  }));
  return 'updated';
}

async function remove(client: Client, scheduleId: string): Promise<Outcome> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
    return 'removed';
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return 'unchanged';
    throw error;
  }
}

function optionsOf({ scheduleId, workflowType, args, summary, catchUpSeconds }: Wanted, everySeconds: number) {
  return {
    spec: { intervals: [{ every: everySeconds * 1000, offset: 0 }] },
    policies: { overlap: 'SKIP', catchupWindow: catchUpSeconds * 1000, pauseOnFailure: false },
    action: {
      type: 'startWorkflow',
      workflowType,
      // Temporal appends the time of the run.
      workflowId: scheduleId,
      taskQueue: TASK_QUEUES.main,
      args,
      staticSummary: summary,
    },
  } as const satisfies Omit<ScheduleOptions, 'scheduleId'>;
}

/** Whether the schedule of the server is what it shall be; looked at field by field, since the server adds defaults of its own. */
function isCurrent(found: ScheduleDescription, { note }: Wanted, options: ReturnType<typeof optionsOf>): boolean {
  const { spec, policies, action, state } = found;
  const { workflowType, workflowId, taskQueue, args, staticSummary } = action;
  const otherTimes = [spec.calendars, spec.skip, spec.startAt, spec.endAt, spec.jitter].some((part) =>
    Array.isArray(part) ? part.length > 0 : part,
  );
  const facts = {
    spec: { intervals: spec.intervals?.map(({ every, offset }) => ({ every, offset })) },
    policies: {
      overlap: policies.overlap,
      catchupWindow: policies.catchupWindow,
      pauseOnFailure: policies.pauseOnFailure,
    },
    action: { type: action.type, workflowType, workflowId, taskQueue, args: args ?? [], staticSummary },
  };
  const isAsWanted = JSON.stringify(facts) === JSON.stringify(options);
  return isAsWanted && !otherTimes && (state.paused || state.note === note);
}
