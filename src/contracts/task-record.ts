/**
 * What the workflow asks the activities to write about a task: one `TaskChange` is one transaction. Types only; workflows import it.
 */
import type { StopConditions, StopReason } from '../domain/stop-conditions';
import type { TaskStatus } from '../domain/task-status';
import type { Contamination, EvaluateResult, JobError, OptimizeResult, Restarted, TaskType, TrainResult } from './jobs';
import type { ControlState, Suspension, TaskFailure } from './task-workflow';

export type ExecutionPhase = 'optimization' | 'training' | 'evaluation';
export type ExecutionStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'suspended';

/** One segment of one phase, as its row shall look; written as often as it changes. */
export interface ExecutionRecord {
  iteration: number;
  phase: ExecutionPhase;
  segment: number;
  status: ExecutionStatus;
  inputDatasetId: string | null;
  outputDatasetId: string | null;
  modelPath: string | null;
  evaluationPath: string | null;
  score: number | null;
  /** What the service answered; of an execution without a result its restarts alone, if there were any. */
  details: ((OptimizeResult | TrainResult | EvaluateResult) & Restarted) | Restarted | null;
  failure: JobError | null;
  /** Milliseconds since the epoch. */
  startedAt: number;
  completedAt: number | null;
}

export type DecisionKind =
  | 'promote'
  | 'keep'
  | 'continue'
  | 'stop'
  | 'read-test'
  | 'edit-stop-conditions'
  | 'edit-hyperparameters'
  | 'pause'
  | 'resume'
  | 'cancel'
  | 'fail'
  /** The task was ended because its workflow had ended without it. */
  | 'reconcile';

/** One line of the decision ledger. */
export interface DecisionRecord {
  kind: DecisionKind;
  iteration: number;
  /** What was compared, the rule and its numbers. */
  facts: Record<string, unknown>;
  /** `workflow`, `user:<id>`, `operator` or `maintenance`. */
  actor: string;
}

/** A data set the optimizer made. */
export interface OptimizedDatasetRecord {
  datasetId: string;
  name: string;
  /** Key and digest of its training rows. */
  storagePath: string;
  sha256: string;
  sampleCount: number;
  /** Size of the rows' object; absent in a change recorded before jobs told it. */
  bytes?: number;
  sourceDatasetId: string;
  iteration: number;
}

/** The one score on the sealed test rows. */
export interface TestResult {
  score: number;
  /** 95 % interval. */
  low: number;
  high: number;
  samples: number;
  unscored: number;
  /** How often the rows were read: 1, unless a service lost the job. */
  reads: number;
  /** The champion's iteration. */
  iteration: number;
  evaluationPath: string;
  /** Sealed rows that stand in the champion's training rows too; absent in a result stored before that was looked at. */
  contamination?: Contamination | null;
}

/** Columns of `ml_tasks` that a change may set; absent ones stay. */
export interface TaskFields {
  currentIteration?: number;
  currentDatasetId?: string;
  taskType?: TaskType;
  latestModelPath?: string;
  latestEvaluationPath?: string;
  latestScore?: number;
  metricInfo?: { name: string; higherIsBetter: boolean };
  championIteration?: number;
  stopConditions?: StopConditions;
  stopReason?: StopReason;
  failure?: TaskFailure;
  controlReason?: string | null;
  /** Kept while the task is SUSPENDED; any other status takes it away. */
  suspension?: Suspension;
  hyperparameters?: Record<string, number | string | boolean>;
  testResult?: TestResult;
}

/** One write of the workflow. A change whose `seq` is not larger than the row's was written before and does nothing. */
export interface TaskChange {
  taskId: string;
  userId: number;
  seq: number;
  /** Milliseconds since the epoch, by the workflow's clock. */
  at: number;
  status: TaskStatus;
  controlState: ControlState;
  fields: TaskFields;
  executions: ExecutionRecord[];
  decisions: DecisionRecord[];
  datasets: OptimizedDatasetRecord[];
}
