/**
 * Names of the work that no task asks for: the schedules and their workflows, shared by the worker, the API and operators. Types and
 * constants only, so that workflows may import it.
 */
import type { GarbageReason } from '../domain/reachability';
import type { ServiceName } from './jobs';

/** Workflow types of `workflows/maintenance`. */
export const MAINTENANCE_WORKFLOWS = {
  sweepStarts: 'sweepStarts',
  reconcile: 'reconcileTasks',
  retention: 'collectGarbage',
} as const;

/** Temporal Schedules, by the id that operators use. */
export const SCHEDULE_IDS = {
  sweepStarts: 'wlops-sweep-starts',
  reconcile: 'wlops-reconcile',
  retention: 'wlops-retention',
} as const;

/** What a sweep of starts in doubt did. */
export interface SweepReport {
  /** Tasks whose workflow was started, or found to have been started before. */
  started: number;
}

/** Rows compared with their workflows. */
export interface RowsReport {
  checked: number;
  /** Those that were ended, with the failure's code, or CANCELLED; the first fifty. */
  ended: { taskId: string; code: string }[];
  endedInAll: number;
  /** That could not be compared; the next run does. */
  unchecked: number;
}

/** Live jobs compared with their tasks. */
export interface JobsReport {
  live: number;
  /** The first fifty. */
  stopped: { service: ServiceName; jobKey: string; reason: string }[];
  stoppedInAll: number;
  /** That could not be looked at or stopped; the next run does. */
  unstopped: number;
  /** Services whose jobs could not be looked at. */
  unreachable: ServiceName[];
}

/** Workflows of tasks that run, and closed ones of the schedules. */
export interface WorkflowsReport {
  running: number;
  withoutRow: number;
  /** Whose task had ended long before. */
  cancelled: number;
  /** Closed runs of the schedules that were removed. */
  removed: number;
}

export interface ReconcileReport {
  rows: RowsReport;
  jobs: JobsReport;
  workflows: WorkflowsReport;
}

export interface RetentionRequest {
  /** Tells what would go, and removes nothing. */
  dryRun: boolean;
}

/** What a pass over the bucket found and, unless it was a dry run, removed. */
export interface RetentionReport {
  dryRun: boolean;
  startedAt: string;
  /** The rules it went by. */
  graceHours: number;
  retentionDays: number;
  /** Everything below the roots that are ours. */
  listed: { objects: number; bytes: number };
  /** By reason; `examples` are the first keys. */
  garbage: Partial<Record<GarbageReason, { objects: number; bytes: number; examples: string[] }>>;
  /** Data sets whose rows went. */
  datasetsCollected: number;
  /** Uploads in parts that a service had left open. */
  uploadsEnded: number;
  /** Objects that could not be removed; the next pass does. */
  failed: number;
  /** Objects with names that are not ours; left. */
  notOurs: number;
}
