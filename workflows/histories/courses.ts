/** The ways in which a phase can go or be interrupted, by name. */
import { MESSAGE_NAMES } from '../../src/contracts/task-workflow';
import { cancelTask, failTask, pauseTask, queryTaskStatus, resumeTask, updateHyperparameters } from '../../src/temporal/control-task';
import { gate } from '../../src/testing/gate';
import { jobFailure, pausedJob, type ScriptedPhase, type TaskHarness } from '../../src/testing/task-harness';
import { until } from '../../src/testing/until';

/** What happens to a job. It waits; `go` lets it succeed. */
interface Situation {
  harness: TaskHarness;
  taskId: string;
  phase: ScriptedPhase;
  go: (this: void) => void;
}

/** `job` runs in each job of the phase, `act` once the first has begun. */
export interface Course {
  /** How the task then ends, if not COMPLETED: CANCELLED, or the type of its failure. */
  ends?: string;
  job?: (segment: number) => void;
  act?: (situation: Situation) => Promise<void>;
}

const client = ({ harness }: Situation) => harness.temporal.client;

/** Pauses the task and waits until its suspension is written, after which it waits in a run of its own. */
async function suspend(situation: Situation): Promise<void> {
  const { harness, taskId } = situation;
  await pauseTask(client(situation), taskId, { reason: 'a pause', actor: 'user:1' });
  await suspended(situation);
  await until('the run that waits', async () => (await harness.handle(taskId).describe()).historyLength < 10);
}

/** The suspension may still be being written, so that a resume comes in the middle of that. */
function suspended(situation: Situation): Promise<unknown> {
  const { taskId } = situation;
  return until('the suspension', async () => (await queryTaskStatus(client(situation), taskId)).status === 'SUSPENDED');
}

function failsOnce(segment: number): void {
  if (segment === 0) throw jobFailure('STORAGE_UNAVAILABLE', true);
}

/** Lets the job fail and waits until the next one is waited for. */
async function backOff({ harness, taskId, go }: Situation): Promise<void> {
  go();
  await until('the back-off', async () => {
    const { events } = await harness.handle(taskId).fetchHistory();
    return events?.some(({ timerStartedEventAttributes }) => timerStartedEventAttributes);
  });
}

/** The service answers a pause with this end of the job. */
function endsBy(state: 'succeeded' | 'failed' | 'lost', { harness, taskId, go }: Situation): void {
  harness.pausedAs.set(taskId, (address) => {
    go();
    return Promise.resolve({ ...pausedJob(address), state, checkpoint: null });
  });
}

export const COURSES: Record<string, Course> = {
  completed: {},
  failed: {
    ends: 'DATASET_UNREADABLE',
    job: () => {
      throw jobFailure('DATASET_UNREADABLE');
    },
  },
  'lost-once': {
    job: (segment) => {
      if (segment === 0) throw jobFailure('JOB_LOST', true);
    },
  },
  'lost-thrice': {
    ends: 'JOB_LOST',
    job: () => {
      throw jobFailure('JOB_LOST', true);
    },
  },
  retried: { job: failsOnce },
  'abandoned-once': {
    job: (segment) => {
      if (segment === 0) throw jobFailure('JOB_ABANDONED', true);
    },
  },
  'paused-in-back-off': {
    job: failsOnce,
    act: async (situation) => {
      await backOff(situation);
      await suspend(situation);
      await resumeTask(client(situation), situation.taskId);
    },
  },
  'cancelled-in-back-off': {
    ends: 'CANCELLED',
    job: failsOnce,
    act: async (situation) => {
      await backOff(situation);
      await cancelTask(client(situation), situation.taskId);
    },
  },
  'failed-in-back-off': {
    ends: 'FAILED_BY_OPERATOR',
    job: failsOnce,
    act: async (situation) => {
      await backOff(situation);
      await failTask(client(situation), situation.taskId);
    },
  },
  'cancelled-while-service-is-away': {
    ends: 'CANCELLED',
    act: async (situation) => {
      const back = gate();
      situation.harness.stoppedAs.set(situation.taskId, () => back.opened);
      await cancelTask(client(situation), situation.taskId);
      await situation.harness.reaches(situation.taskId, 'CANCELLED');
      back.open();
    },
  },
  paused: {
    act: async (situation) => {
      await suspend(situation);
      situation.go();
      await resumeTask(client(situation), situation.taskId, { reason: 'back' });
    },
  },
  'paused-twice': {
    act: async (situation) => {
      await suspend(situation);
      await resumeTask(client(situation), situation.taskId);
      await until('the next job', async () => (await queryTaskStatus(client(situation), situation.taskId)).status !== 'SUSPENDED');
      await suspend(situation);
      situation.go();
      await resumeTask(client(situation), situation.taskId);
    },
  },
  'paused-by-signal': {
    act: async (situation) => {
      const handle = situation.harness.handle(situation.taskId);
      await handle.signal(MESSAGE_NAMES.pause, { reason: 'a pause' });
      await suspended(situation);
      situation.go();
      await handle.signal(MESSAGE_NAMES.resume);
    },
  },
  'paused-after-success': {
    act: async (situation) => {
      endsBy('succeeded', situation);
      await pauseTask(client(situation), situation.taskId);
      if (situation.phase === 'final') return;
      await suspended(situation);
      await resumeTask(client(situation), situation.taskId);
    },
  },
  'paused-while-lost': {
    act: async (situation) => {
      endsBy('lost', situation);
      await suspend(situation);
      await resumeTask(client(situation), situation.taskId);
    },
  },
  'pause-called-off': {
    act: async (situation) => {
      const ending = gate();
      situation.harness.pausedAs.set(situation.taskId, async (address) => {
        await ending.opened;
        return pausedJob(address);
      });
      await pauseTask(client(situation), situation.taskId);
      await resumeTask(client(situation), situation.taskId);
      situation.go();
      ending.open();
    },
  },
  'paused-then-cancelled': {
    ends: 'CANCELLED',
    act: async (situation) => {
      await suspend(situation);
      await cancelTask(client(situation), situation.taskId, { reason: 'a cancel' });
    },
  },
  'paused-then-cancelled-natively': {
    ends: 'CANCELLED',
    act: async (situation) => {
      await suspend(situation);
      await situation.harness.handle(situation.taskId).cancel();
    },
  },
  'paused-then-failed': {
    ends: 'FAILED_BY_OPERATOR',
    act: async (situation) => {
      await suspend(situation);
      await failTask(client(situation), situation.taskId, { reason: 'wrong data' });
    },
  },
  'cancelled-while-pausing': {
    ends: 'CANCELLED',
    act: async (situation) => {
      const { harness, taskId } = situation;
      harness.pausedAs.set(taskId, () => new Promise(() => undefined));
      await pauseTask(client(situation), taskId);
      await cancelTask(client(situation), taskId);
    },
  },
  cancelled: { ends: 'CANCELLED', act: (situation) => cancelTask(client(situation), situation.taskId) },
  'cancelled-natively': {
    ends: 'CANCELLED',
    act: async ({ harness, taskId }) => void (await harness.handle(taskId).cancel()),
  },
  'failed-by-operator': { ends: 'FAILED_BY_OPERATOR', act: (situation) => failTask(client(situation), situation.taskId) },
  'settings-edited': {
    act: async (situation) => {
      await suspend(situation);
      await updateHyperparameters(client(situation), situation.taskId, {
        hyperparameters: { checkpoint_interval_seconds: 45 },
      });
      situation.go();
      await resumeTask(client(situation), situation.taskId);
    },
  },
};
