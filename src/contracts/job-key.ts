/**
 * The name by which caller and service know a job. Pure, so that workflows may use it; the id made from it is in `job-id.ts`.
 */
import type { JobPhase, ServiceName } from './jobs';

export interface JobIdentity {
  taskId: string;
  /** From 0. */
  iteration: number;
  phase: JobPhase;
  /** From 0; a phase that had to start anew has several. */
  segment: number;
}

/** A job as the worker addresses it. */
export interface JobAddress {
  service: ServiceName;
  jobKey: string;
}

/** `<taskId>/<iteration>/<phase>/<segment>`: business identity only, so that every retry and every worker spells the same key. */
export function jobKey({ taskId, iteration, phase, segment }: JobIdentity): string {
  return `${taskId}/${iteration}/${phase}/${segment}`;
}
