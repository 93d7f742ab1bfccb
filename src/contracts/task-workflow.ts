/**
 * Names and shapes shared by everyone who starts, signals or reads a task's workflow: API, worker, CLI users and tests.
 * Types and constants only, so that workflows may import it. Values that go through continue-as-new are plain JSON.
 */
import type { StopConditions, StopReason } from '../domain/stop-conditions';
import type { Champion } from '../domain/champion';
import type { LiveStatus, TaskStatus } from '../domain/task-status';
import type {
  JobPhase,
  ObjectRef,
  Operators,
  OptimizeResult,
  RowsRef,
  Score,
  SourceFile,
  TaskType,
  TrainResult,
} from './jobs';

export type TaskMode = 'STANDARD' | 'CONTINUOUS';

export const WORKFLOW_TYPES = {
  STANDARD: 'standardTraining',
  CONTINUOUS: 'continuousLearning',
} as const satisfies Record<TaskMode, string>;

export const TASK_QUEUES = {
  main: 'wlops-main',
  /** Pausing and stopping jobs, which may have to wait for a service: what must be written does not queue behind it. */
  control: 'wlops-control',
  optimize: 'wlops-optimize',
  train: 'wlops-train',
  evaluate: 'wlops-evaluate',
} as const;

/** The same names for signals and updates, for the CLI and for REST. */
export const MESSAGE_NAMES = {
  pause: 'pause',
  resume: 'resume',
  cancel: 'cancel',
  fail: 'fail',
  updateStopConditions: 'updateStopConditions',
  updateHyperparameters: 'updateHyperparameters',
  status: 'status',
  progress: 'progress',
} as const;

/** Typed search attributes, in the shape Temporal's libraries take. A namespace must know them before a task starts. */
export const SEARCH_ATTRIBUTES = {
  taskId: { name: 'WlopsTaskId', type: 'KEYWORD' },
  userId: { name: 'WlopsUserId', type: 'KEYWORD' },
  mode: { name: 'WlopsMode', type: 'KEYWORD' },
  status: { name: 'WlopsStatus', type: 'KEYWORD' },
  model: { name: 'WlopsModel', type: 'KEYWORD' },
  datasetId: { name: 'WlopsDatasetId', type: 'KEYWORD' },
  iteration: { name: 'WlopsIteration', type: 'INT' },
  score: { name: 'WlopsScore', type: 'DOUBLE' },
} as const;

/** The one workflow of a task: starting it twice finds the first. */
export function taskWorkflowId(taskId: string): string {
  return `wlops-task-${taskId}`;
}

/** What a task is, fixed at its start. */
export interface TaskSpec {
  taskId: string;
  taskName: string;
  userId: number;
  mode: TaskMode;
  modelName: string;
  hyperparameters: Record<string, number | string | boolean>;
  seed: number;
  /** Null: the task type's usual metric. */
  metric: string | null;
  /** Null: detected from the data. */
  taskType: TaskType | null;
  source: SourceFile;
  validation: SourceFile | null;
  test: SourceFile | null;
  pool: SourceFile | null;
  /** Absent in a task that was started before it could ask for any. */
  operators?: Operators;
  stopConditions: StopConditions;
  /** Number of the last write to the task's row before its workflow; the workflow counts on from here. */
  seq: number;
}

/** What one run hands to the next at continue-as-new. */
export interface LoopState {
  stateVersion: 1;
  /** The iteration the run works on, from 0. */
  iteration: number;
  /** Grows with every write to the task's rows; a write with an old number changes nothing. */
  seq: number;
  status: TaskStatus;
  /** As the optimizer found it; null until iteration 0 is optimised. */
  taskType: TaskType | null;
  split: ObjectRef | null;
  /** Held-out rows of the frozen split. */
  heldOut: { mine: RowsRef; select: RowsRef; test: RowsRef | null } | null;
  champion: Champion | null;
  /** Recipes of the newest hundred challengers that lost to this champion, oldest first. Absent in a state written before they were kept. */
  rejected?: ObjectRef[];
  /** Data set the optimizer made last. */
  currentDatasetId: string | null;
  /** Score of each iteration, kept or not; the newest thousand. */
  scoreHistory: number[];
  /** Iteration of the first of them; absent in a state written before any were let go: 0. */
  firstScore?: number;
  /** The champion's score after each iteration, as `loop-memory.ts` keeps them; absent in a state written before this was kept. */
  championScores?: number[];
  trainingSeconds: number;
  /** Milliseconds since the epoch when the first run began. */
  startedAt: number;
  /** Time spent suspended so far; it does not count against the wall budget. */
  pausedMs: number;
  paused: PauseRequest | null;
  /** An operator wants the task to end as failed. */
  failing?: { reason: string | null; actor: string };
  /** Set while the task is SUSPENDED. Absent in a state written before it was kept. */
  suspension?: Suspension | null;
  stopConditions: StopConditions;
  /** Set when a rule has fired. */
  stopReason: StopReason | null;
  /** The loop is over: only the final test is left. */
  finishing?: boolean;
  /** What this iteration has made so far: a suspended task may continue as new in the middle of one. */
  pass?: PassState;
  /** The phase that is under way. Absent between phases. */
  phase?: PhaseState | null;
  /** Hyperparameters changed while the task was suspended; they go before those it was created with. */
  hyperparameters?: Record<string, number | string | boolean>;
}

/** What an iteration has made; each part is set when its phase has ended. */
export interface PassState {
  optimization?: OptimizeResult;
  training?: TrainResult;
  evaluation?: { score: Score; higherIsBetter: boolean };
}

/** Where a phase stands that may take several jobs, one a segment. */
export interface PhaseState {
  phase: JobPhase;
  /** The segment that runs, or is next. */
  segment: number;
  /** Milliseconds since the epoch; null before the segment has begun. */
  startedAt: number | null;
  /** The segment's job has come to its end, and only its answer is still to be had. */
  isOver?: boolean;
  /** Segments that ended by a fault which another try may mend. */
  faults: number;
  /** How often the jobs of earlier segments were begun. */
  attempts: number;
  /** What the last pause of a training left. */
  checkpoint: ObjectRef | null;
}

export interface TaskWorkflowInput {
  task: TaskSpec;
  /** Absent on the first start. */
  state?: LoopState;
}

export interface PauseRequest {
  reason: string | null;
  /** `user:<id>` or `operator`. Absent in a state written before it was kept. */
  actor?: string;
  /** Milliseconds since the epoch. */
  requestedAt: number;
}

/** Why and since when a task is SUSPENDED. */
export interface Suspension {
  /** `user:<id>` or `operator`. */
  by: string;
  reason: string | null;
  /** Milliseconds since the epoch: when it was asked for, and when its job had ended. */
  requestedAt: number;
  since: number;
  /** The status in which the task goes on. */
  resumesTo: LiveStatus;
}

/** Argument of the `pause`, `resume`, `cancel` and `fail` signals and updates; all optional. */
export interface ControlRequest {
  reason?: string;
  /** Who asks, for the decision ledger: `user:<id>`. Absent: `operator`, someone with access to Temporal itself. */
  actor?: string;
}

/** What a change of the stop conditions may name; absent fields stay as they are. */
export type StopConditionsPatch = Partial<StopConditions>;

/** Argument of the `updateStopConditions` update. */
export interface UpdateStopConditionsRequest extends StopConditionsPatch {
  /** As in `ControlRequest`. */
  actor?: string;
}

/** Argument of the `updateHyperparameters` update: those in `RESULT_NEUTRAL` only. */
export interface UpdateHyperparametersRequest {
  hyperparameters: Record<string, number>;
  /** As in `ControlRequest`. */
  actor?: string;
}

/** Answer of the `pause` and `resume` updates. */
export interface ControlAnswer {
  status: TaskStatus;
  controlState: ControlState;
}

export type ControlState = 'none' | 'pausing' | 'resuming' | 'cancelling';

/** Answer of the `status` query. */
export interface TaskStatusView {
  taskId: string;
  status: TaskStatus;
  controlState: ControlState;
  /** Where a suspended task goes on. */
  resumesTo: LiveStatus | null;
  suspension: Suspension | null;
  iteration: number;
  seq: number;
  championIteration: number | null;
  stopConditions: StopConditions;
  stopReason: StopReason | null;
}

/** Answer of the `progress` query. Step-level progress is in PostgreSQL, written by the activities. */
export interface TaskProgressView {
  iteration: number;
  maxIterations: number;
  phase: 'optimization' | 'training' | 'evaluation' | null;
  /** Of the newest thousand iterations. */
  scoreHistory: number[];
  /** Iteration of the first of them. */
  firstScore: number;
  championIteration: number | null;
}

/** What a finished workflow answers. */
export interface TaskOutcome {
  taskId: string;
  iterations: number;
  champion: { iteration: number; score: number; modelPath: string };
  /** Score on the sealed test rows; null where the task has none. */
  testScore: number | null;
  /** Null for a STANDARD task, which has no loop to stop. */
  stopReason: StopReason | null;
}

/** Why a task failed, as shown to the user. */
export interface TaskFailure {
  code: string;
  message: string;
  phase: 'optimization' | 'training' | 'evaluation' | null;
  retryable: boolean;
  details: Record<string, unknown> | null;
}
