/**
 * Tells the trainer which model was promoted, so that MLflow's alias `champion` means it too. The decision stands in the database
 * already: MLflow mirrors it, so a fault here is logged and holds up nothing. May be repeated safely.
 */
import { log } from '@temporalio/activity';
import type { TaskChange } from '../src/contracts/task-record';
import type { PythonJobClient } from './python-job-client';

/** With what the record itself takes, less than the activity's own time limit. */
const TIMEOUT_MS = 5_000;

/** Announces the last promotion of the change, if it holds one. Never throws. */
export async function announceChampion(
  trainer: PythonJobClient,
  change: Pick<TaskChange, 'taskId' | 'decisions'>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const promoted = change.decisions.findLast(({ kind }) => kind === 'promote');
  if (!promoted) return;
  const champion = { taskId: change.taskId, iteration: promoted.iteration };
  try {
    const { moved, ...answer } = await trainer.moveChampion(champion, AbortSignal.timeout(timeoutMs));
    if (moved) log.info('MLflow has the new champion', { ...champion, ...answer });
    else log.warn('MLflow has not got the new champion', { ...champion, ...answer });
  } catch (error) {
    log.warn('MLflow has not got the new champion', { ...champion, reason: String(error) });
  }
}
