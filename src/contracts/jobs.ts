/**
 * What crosses the wire between the worker and the three Python services: types only, so that workflows may import them.
 * `docs/job-protocol.md` says what each field means; `examples/` holds one golden JSON per message, parsed by both languages;
 * `src/contracts/job-schemas.ts` parses replies at the edge. A file per service, as on Python's side, `wlops_common/contracts/`; all are read from here.
 */
import type { JobPhase } from './job-messages';

export type * from './job-messages';
export type * from './optimization';
export type * from './training';
export type * from './evaluation';

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'paused';

export interface JobProgress {
  /** What is being done now, for people: `epoch 3 of 10`, `near-duplicates`. */
  stage: string;
  step: number;
  totalSteps: number | null;
  loss: number | null;
  score: number | null;
  /** Units a second (rows or steps). */
  rate: number | null;
  etaSeconds: number | null;
}

export interface JobError {
  code: string;
  message: string;
  /** File line, sample, field: whatever helps to mend the input. */
  details: Record<string, unknown> | null;
  retryable: boolean;
}

/** An attempt of a job that ended without an answer and was followed by another one. `stage` and `step` are the last it had told. */
export interface JobRestart {
  attempt: number;
  at: string;
  /** What ended: the job's process alone, or its service. */
  cause: 'process' | 'service';
  exitCode: number | null;
  stage: string | null;
  step: number | null;
}

/** What an execution tells of beside its service's result: absent where its job ran in one go. */
export interface Restarted {
  restarts?: JobRestart[] | undefined;
}

export interface JobStatus<Result = unknown> {
  jobId: string;
  jobKey: string;
  taskId: string;
  iteration: number;
  phase: JobPhase;
  segment: number;
  state: JobState;
  /** Times this job was started, counting restarts of the service. */
  attempt: number;
  /** The newest 20, the oldest of them first; absent in a status by an earlier version of the service. */
  restarts?: JobRestart[] | undefined;
  progress: JobProgress | null;
  result: Result | null;
  error: JobError | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  /** Moves while the job is alive; one that stands still is stuck. */
  updatedAt: string;
}
