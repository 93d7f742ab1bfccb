/** What kept the jobs of an iteration from running in one go. Pure. */
import type { JobError, JobRestart, Restarted } from '../contracts/jobs';
import { count } from './numbers';
import type { ExecutionRowFacts, ReportInterruption, ReportIteration } from './report';

/** The interruptions that the rows of one iteration tell of, in order. */
export function interruptionsOf(rows: readonly ExecutionRowFacts[]): ReportInterruption[] {
  return rows.flatMap((row) => [...restartsOf(row).map((one) => restarted(row, one)), ...ended(row)]);
}

/** A job that failed for good tells of its restarts in its fault. */
function restartsOf({ details, failure }: ExecutionRowFacts): JobRestart[] {
  const told = (details ?? (failure as JobError | null)?.details ?? {}) as Restarted;
  return told.restarts ?? [];
}

function restarted({ phase, segment }: ExecutionRowFacts, restart: JobRestart): ReportInterruption {
  const { at, cause, exitCode, stage, step } = restart;
  return { phase, segment, at, cause, exitCode, stage, step };
}

function ended({ phase, segment, status, failure, completedAt }: ExecutionRowFacts): ReportInterruption[] {
  if (status !== 'suspended' && status !== 'failed') return [];
  const cause = status === 'suspended' ? 'paused' : ((failure as JobError | null)?.code ?? 'failed');
  return [{ phase, segment, at: completedAt?.toISOString() ?? null, cause, exitCode: null, stage: null, step: null }];
}

/** One line for people, the latest of many; null where every job ran in one go. */
export function interruptionWords({ interruptions }: Pick<ReportIteration, 'interruptions'>): string | null {
  const earlier = interruptions.length - MOST_TOLD;
  const told = interruptions.slice(-MOST_TOLD).map(words);
  return [...(earlier > 0 ? [`${count(earlier)} earlier`] : []), ...told].join('; ') || null;
}

const MOST_TOLD = 10;

const ENDED: Readonly<Record<string, string>> = {
  paused: 'paused',
  process: 'its process ended without an answer',
  service: 'its service ended',
};

function words({ phase, segment, cause, exitCode, stage, step }: ReportInterruption): string {
  const job = segment === 0 ? phase : `${phase}, job ${segment + 1}`;
  const code = exitCode === null ? '' : ` (exit code ${exitCode})`;
  const where = stage === null ? '' : ` in ${stage}${step ? ` at step ${count(step)}` : ''}`;
  return `${job}: ${ENDED[cause] ?? cause}${code}${where}`;
}
