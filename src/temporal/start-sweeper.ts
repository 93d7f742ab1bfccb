/**
 * Starts again what was asked to start but has no workflow that is known to run: the API died between its two writes, or Temporal was
 * down. The worker sweeps by the schedule `wlops-sweep-starts`, the API once at its start. Safe to run in several processes at once,
 * because a start finds the workflow that is there.
 */
import type { Client } from '@temporalio/client';
import type { TaskSpec } from '../contracts/task-workflow';
import { startTask } from './start-task';

/** Gives the API time to finish its own start. */
const MIN_AGE_MS = 5_000;
const BATCH = 500;

interface StartsInDoubt<Row extends { taskId: string }> {
  startsInDoubt(before: Date, limit: number): Promise<Row[]>;
  spec(task: Row): Promise<TaskSpec>;
  markWorkflowStarted(taskId: string, now: Date): Promise<void>;
}

interface SweeperLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Starts what is in doubt, oldest first, and answers with the ids. One task's trouble does not keep the others waiting. */
export async function sweepStarts<Row extends { taskId: string }>(
  records: StartsInDoubt<Row>,
  client: Client,
  log: SweeperLog,
  now: Date = new Date(),
  minAgeMs: number = MIN_AGE_MS,
): Promise<string[]> {
  const started: string[] = [];
  for (const row of await records.startsInDoubt(new Date(now.getTime() - minAgeMs), BATCH)) {
    try {
      await startTask(client, await records.spec(row));
      await records.markWorkflowStarted(row.taskId, now);
      started.push(row.taskId);
      log.info({ taskId: row.taskId }, 'started a task whose start was in doubt');
    } catch (error) {
      log.warn({ taskId: row.taskId, err: error }, 'a start in doubt could not be repeated');
    }
  }
  return started;
}
