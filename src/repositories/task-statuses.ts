/** Groups of statuses for queries, taken from the domain's one table. */
import { isTerminal, TASK_STATUSES, type TaskStatus } from '../domain/task-status';

/** Those that nothing may follow. */
export const TERMINAL_STATUSES: TaskStatus[] = TASK_STATUSES.filter(isTerminal);
