/** One run of a task's workflow: what it is, where it stands, and the two things that act on it. */
import type { LoopState, TaskSpec, TaskWorkflowInput } from '../src/contracts/task-workflow';
import { TaskControl } from './task-control';
import { receiveMessages } from './task-messages';
import { TaskRecord } from './task-record';

export interface TaskRun {
  readonly task: TaskSpec;
  /** Goes to the next run at continue-as-new; plain JSON, changed in place. */
  readonly state: LoopState;
  readonly record: TaskRecord;
  readonly control: TaskControl;
  /** The job that is being stopped, if any: the execution does not end before it is. */
  stopping?: Promise<unknown>;
}

function firstState({ stopConditions, seq }: TaskSpec): LoopState {
  return {
    stateVersion: 1,
    iteration: 0,
    seq,
    status: 'PENDING',
    taskType: null,
    split: null,
    heldOut: null,
    champion: null,
    currentDatasetId: null,
    scoreHistory: [],
    trainingSeconds: 0,
    startedAt: Date.now(),
    pausedMs: 0,
    paused: null,
    stopConditions,
    stopReason: null,
  };
}

/** Opens the run and registers its signals, updates and queries, before anything is awaited. */
export function openTask({ task, state = firstState(task) }: TaskWorkflowInput): TaskRun {
  const record = new TaskRecord(task, state);
  const control = new TaskControl(task, state, record);
  receiveMessages(control);
  return { task, state, record, control };
}
