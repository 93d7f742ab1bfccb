/**
 * Everything the workflow has written about its task: status transitions, executions, decisions. What is staged goes out with the
 * next write, as one change with a number of its own. Writes happen in order and cannot be cancelled: the rows never miss one.
 * Not covered: how a change becomes rows (`src/repositories/task-records.ts`).
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  patched,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { canTransition, isTerminal, type TaskStatus } from '../src/domain/task-status';
import type {
  DecisionKind,
  ExecutionRecord,
  OptimizedDatasetRecord,
  TaskChange,
  TaskFields,
} from '../src/contracts/task-record';
import { SEARCH_ATTRIBUTES, type ControlState, type LoopState, type TaskSpec } from '../src/contracts/task-workflow';
import { recordTask } from './activity-options';
import { PATCHES } from './patches';
import { taskDetails } from './task-details';

export class TaskRecord {
  /** Shown beside the status while a request is being carried out. */
  controlState: ControlState;
  private staged: Pick<TaskChange, 'fields' | 'executions' | 'decisions' | 'datasets'> = nothingStaged();
  private lastWrite: Promise<void> = Promise.resolve();
  private openWrites = 0;
  /** Writes that have not begun, oldest first; null in a run that began before `writes-follow-answers`, in which each follows the last. */
  private readonly queue: (() => Promise<void>)[] | null;

  constructor(
    private readonly task: TaskSpec,
    private readonly state: LoopState,
  ) {
    // The run's first command: a run that waits has none in its first task, and where this one stood later it would be cut otherwise.
    const queue = patched(PATCHES.writesFollowAnswers) ? [] : null;
    this.queue = queue;
    this.controlState = controlStateOf(state);
    this.describe();
    if (queue) void CancellationScope.nonCancellable(() => writeQueued(queue));
  }

  /** Whether what is commanded does not hang on how the SDK cuts the history; see `writes-follow-answers`. */
  get followsAnswers(): boolean {
    return this.queue !== null;
  }

  /** True when every write so far is in the database. */
  get idle(): boolean {
    return this.openWrites === 0;
  }

  /** Stages columns of the task's row. */
  set(fields: TaskFields): void {
    this.staged.fields = { ...this.staged.fields, ...fields };
  }

  /** Stages a line of the decision ledger. */
  decided(kind: DecisionKind, iteration: number, facts: Record<string, unknown>, actor = 'workflow'): void {
    this.staged.decisions.push({ kind, iteration, facts, actor });
  }

  /** Stages the row of a phase's segment. */
  execution(execution: ExecutionRecord): void {
    this.staged.executions.push(execution);
  }

  /** Stages a data set the optimizer made. */
  dataset(dataset: OptimizedDatasetRecord): void {
    this.staged.datasets.push(dataset);
  }

  /** Moves the task to another status and writes it with all that is staged. The move must be in the table. */
  transition(to: TaskStatus): Promise<void> {
    const from = this.state.status;
    if (!canTransition(from, to)) throw new Error(`no transition from ${from} to ${to}`);
    this.state.status = to;
    if (from === 'SUSPENDED' || to === 'SUSPENDED' || isTerminal(to)) this.controlState = 'none';
    upsertSearchAttributes([
      { key: SEARCH_ATTRIBUTES.status, value: to },
      { key: SEARCH_ATTRIBUTES.iteration, value: this.state.iteration },
      { key: SEARCH_ATTRIBUTES.score, value: this.state.scoreHistory.at(-1) ?? null },
    ]);
    return this.write();
  }

  /** Writes what is staged; moves the task to `status` unless it is there already. */
  enter(status: TaskStatus): Promise<void> {
    return this.state.status === status ? this.write() : this.transition(status);
  }

  /** Writes what is staged, after all writes before it. Resolves when it is in the database. */
  write(): Promise<void> {
    const change: TaskChange = {
      taskId: this.task.taskId,
      userId: this.task.userId,
      seq: ++this.state.seq,
      at: Date.now(),
      status: this.state.status,
      controlState: this.controlState,
      ...this.staged,
    };
    this.staged = nothingStaged();
    this.describe();

    this.openWrites += 1;
    const { queue, lastWrite: before } = this;
    const record = async () => {
      try {
        await recordTask.executeWithOptions({ summary: `record ${change.status} · ${change.seq}` }, [change]);
      } finally {
        this.openWrites -= 1;
      }
    };
    const written = queue
      ? new Promise<void>((resolve, reject) => queue.push(() => record().then(resolve, reject)))
      : // Step by step as it was: one function more, and a timer of a cancel comes before the write that it came after.
        CancellationScope.nonCancellable(async () => {
          await before.catch(() => undefined);
          try {
            await recordTask.executeWithOptions({ summary: `record ${change.status} · ${change.seq}` }, [change]);
          } finally {
            this.openWrites -= 1;
          }
        });
    // Whoever awaits the write or `settled` sees its failure; a write nobody awaits yet must not count as unhandled.
    written.catch(() => undefined);
    this.lastWrite = written;
    return written;
  }

  /** Resolves when every write so far is in the database; rejects when the last one could not be made. */
  async settled(): Promise<void> {
    await this.lastWrite;
  }

  /** Lives in workflow memory, so that each run sets it anew. */
  private describe(): void {
    setCurrentDetails(taskDetails(this.task, this.state, this.controlState));
  }
}

/** At the start of a run: a pause that has not taken hold yet, or a resume of a suspended task that has not. */
function controlStateOf({ status, paused, failing }: LoopState): ControlState {
  if (failing) return 'cancelling';
  if (status === 'SUSPENDED') return paused ? 'none' : 'resuming';
  return paused ? 'pausing' : 'none';
}

function nothingStaged(): Pick<TaskChange, 'fields' | 'executions' | 'decisions' | 'datasets'> {
  return { fields: {}, executions: [], decisions: [], datasets: [] };
}

/**
 * Begins each write after all else that came at the same moment, the answers of updates included. The order of commands must not hang on
 * whether the end of the write before came together with an update or just before it: a worker without a memory and one that replays
 * what it did are told of both in different ways (`cold-worker.test.ts`).
 */
async function writeQueued(queue: (() => Promise<void>)[]): Promise<never> {
  for (;;) {
    // The first look is made at once, amid whatever goes on; between two messages of one moment a handler is not finished yet.
    let looked = false;
    await condition(() => {
      const begins = looked && queue.length > 0 && allHandlersFinished();
      looked = true;
      return begins;
    });
    await queue.shift()?.();
  }
}
