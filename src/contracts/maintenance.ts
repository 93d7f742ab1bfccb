/**
 * Names of the work that no task asks for: the schedules and their workflows, shared by the worker, the API and operators. Types and
 * constants only, so that workflows may import it.
 */

/** Workflow types of `workflows/maintenance`. */
export const MAINTENANCE_WORKFLOWS = {
  sweepStarts: 'sweepStarts',
} as const;

/** Temporal Schedules, by the id that operators use. */
export const SCHEDULE_IDS = {
  sweepStarts: 'wlops-sweep-starts',
} as const;

/** What a sweep of starts in doubt did. */
export interface SweepReport {
  /** Tasks whose workflow was started, or found to have been started before. */
  started: number;
}
