/**
 * The projection: writes a workflow's changes to the rows of its task, and reads what the worker needs. One change is one transaction,
 * made once however often it is asked for. No scope here: callers are the worker's activities, which act for the task itself.
 * Not covered: reads and writes on behalf of people (`tasks.ts`, `task-history.ts`).
 */
import type { JobProgress } from '../contracts/jobs';
import type { ExecutionRecord, OptimizedDatasetRecord, TaskChange } from '../contracts/task-record';
import type { TaskSpec } from '../contracts/task-workflow';
import type { Db, DbOrTransaction } from '../db';
import { AppError, notFound } from '../domain/errors';
import { canTransition, isTerminal, type TaskStatus } from '../domain/task-status';
import { Prisma, type MlTask, type TaskDecision, type TaskExecution } from '../generated/prisma/client';
import { loadTaskSpec, stopColumns } from './task-specs';

/** A phase has at most three segments unless it is paused, three phases an iteration, a thousand iterations a task. */
const MAX_EXECUTIONS = 9000;
const MAX_DECISIONS = 10_000;

export interface TaskHistory {
  task: MlTask;
  executions: TaskExecution[];
  decisions: TaskDecision[];
  /** The data sets that the task names, as uploaded. */
  uploads: { datasetId: string; sha256: string | null }[];
}

export class TaskRecordRepository {
  constructor(private readonly db: Db) {}

  /**
   * Writes a change, its executions, decisions, data sets and its event. False when it was written before.
   * `datasetBytes` gives the size of each data set by its `storagePath`. Throws `NOT_FOUND` when the task has no row, and
   * `ILLEGAL_TRANSITION` when the row's status does not allow the change.
   */
  async apply(change: TaskChange, datasetBytes: ReadonlyMap<string, number>): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const [row] = await tx.$queryRaw<{ status: TaskStatus; seq: number }[]>`
        SELECT status::text AS status, seq FROM ml_tasks WHERE task_id = ${change.taskId} FOR UPDATE`;
      if (!row) throw notFound(`task ${change.taskId}`);
      checkTransition(change, row);
      if (row.seq >= change.seq) return false;
      await updateTask(tx, change, row.status);
      await createDatasets(tx, change, datasetBytes);
      for (const execution of change.executions) await upsertExecution(tx, change, execution);
      await appendToHistory(tx, change, row.status);
      return true;
    });
  }

  /** Shows what a task's job is doing while the task has one of these statuses: a write that comes late shows nothing. */
  async writeProgress(taskId: string, statuses: readonly TaskStatus[], progress: JobProgress): Promise<void> {
    await this.db.mlTask.updateMany({
      where: { taskId, status: { in: [...statuses] } },
      data: { progress: progress as unknown as Prisma.InputJsonObject },
    });
  }

  /** Tasks whose start was asked for before `before` and whose workflow is not known to run, oldest first. */
  startsInDoubt(before: Date, limit: number): Promise<MlTask[]> {
    return this.db.mlTask.findMany({
      where: { status: 'PENDING', workflowStartedAt: null, startRequestedAt: { lt: before } },
      orderBy: { startRequestedAt: 'asc' },
      take: limit,
    });
  }

  spec(task: MlTask): Promise<TaskSpec> {
    return loadTaskSpec(this.db, task);
  }

  async markWorkflowStarted(taskId: string, now: Date): Promise<void> {
    await this.db.mlTask.updateMany({ where: { taskId, workflowStartedAt: null }, data: { workflowStartedAt: now } });
  }

  /** Everything a task's report is made of, or null when the task has no row. */
  async history(taskId: string): Promise<TaskHistory | null> {
    const task = await this.db.mlTask.findUnique({ where: { taskId } });
    if (!task) return null;
    const named = [task.datasetId, task.validationDatasetId, task.testDatasetId, task.poolDatasetId];
    const datasetIds = named.filter((id) => id !== null);
    const [executions, decisions, uploads] = await Promise.all([
      this.db.taskExecution.findMany({ where: { taskId }, orderBy: { id: 'asc' }, take: MAX_EXECUTIONS }),
      this.db.taskDecision.findMany({ where: { taskId }, orderBy: { id: 'asc' }, take: MAX_DECISIONS }),
      this.db.dataset.findMany({
        where: { datasetId: { in: datasetIds } },
        select: { datasetId: true, sha256: true },
      }),
    ]);
    return { task, executions, decisions, uploads };
  }

  /** Key of what the evaluator wrote about an iteration's model; null before it is evaluated. */
  async evaluationPath(taskId: string, iteration: number): Promise<string | null> {
    const row = await this.db.taskExecution.findFirst({
      where: { taskId, iteration, phase: 'evaluation', evaluationPath: { not: null } },
      orderBy: { id: 'desc' },
      select: { evaluationPath: true },
    });
    return row?.evaluationPath ?? null;
  }
}

/** A row that ended without the workflow (cancelled before its start) refuses it even when their numbers meet. */
function checkTransition(change: TaskChange, row: { status: TaskStatus; seq: number }): void {
  const known = row.seq >= change.seq && !isTerminal(row.status);
  if (known || row.status === change.status || canTransition(row.status, change.status)) return;
  throw new AppError('ILLEGAL_TRANSITION', `task ${change.taskId} is ${row.status} and cannot become ${change.status}`);
}

async function updateTask(
  tx: DbOrTransaction,
  { taskId, seq, at, status, controlState, fields, executions }: TaskChange,
  from: TaskStatus,
): Promise<void> {
  const beginsWork = status !== from || executions.some((one) => one.status === 'running');
  const { stopConditions, stopReason, failure, metricInfo, testResult, suspension, hyperparameters, ...columns } =
    fields;
  await tx.mlTask.update({
    where: { taskId },
    data: {
      ...columns,
      ...(stopConditions ? stopColumns(stopConditions) : {}),
      ...(stopReason ? { stopReason: json(stopReason) } : {}),
      ...(failure ? { failure: json(failure) } : {}),
      ...(metricInfo ? { metricInfo: json(metricInfo) } : {}),
      ...(testResult ? { testResult: json(testResult) } : {}),
      ...(hyperparameters ? { hyperparameters } : {}),
      ...(status !== 'SUSPENDED' ? { suspension: Prisma.DbNull } : suspension ? { suspension: json(suspension) } : {}),
      ...(isTerminal(status) ? { completedAt: new Date(at) } : {}),
      status,
      controlState,
      seq,
      ...(beginsWork ? { progress: firstProgress(status) } : {}),
    },
  });
}

/** What a status begins with: a phase waits until a worker has a slot for its job, and says so. */
function firstProgress(status: TaskStatus): Prisma.InputJsonObject | typeof Prisma.DbNull {
  if (status !== 'OPTIMIZING' && status !== 'TRAINING' && status !== 'EVALUATING') return Prisma.DbNull;
  const nothing = { step: 0, totalSteps: null, loss: null, score: null, rate: null, etaSeconds: null };
  return { stage: 'queued for a worker slot', ...nothing };
}

async function createDatasets(
  tx: DbOrTransaction,
  { taskId, userId, at, datasets }: TaskChange,
  bytes: ReadonlyMap<string, number>,
): Promise<void> {
  if (datasets.length === 0) return;
  const sources = await tx.dataset.findMany({
    where: { datasetId: { in: datasets.map((one) => one.sourceDatasetId) } },
    select: { datasetId: true, domain: true },
  });
  const row = ({ bytes: _, ...dataset }: OptimizedDatasetRecord) => ({
    ...dataset,
    userId,
    taskId,
    datasetType: 'optimized' as const,
    format: 'parquet',
    isOptimized: true,
    domain: sources.find((one) => one.datasetId === dataset.sourceDatasetId)?.domain ?? null,
    fileSize: BigInt(bytes.get(dataset.storagePath) ?? 0),
    createdAt: new Date(at),
  });
  await tx.dataset.createMany({ data: datasets.map(row), skipDuplicates: true });
}

async function upsertExecution(
  tx: DbOrTransaction,
  { taskId, seq }: TaskChange,
  execution: ExecutionRecord,
): Promise<void> {
  const { iteration, phase, segment, details, failure, startedAt, completedAt, ...columns } = execution;
  const data = {
    ...columns,
    details: details ? json(details) : Prisma.DbNull,
    failure: failure ? json(failure) : Prisma.DbNull,
    startedAt: new Date(startedAt),
    completedAt: completedAt === null ? null : new Date(completedAt),
    seq,
  };
  await tx.taskExecution.upsert({
    where: { taskId_iteration_phase_segment: { taskId, iteration, phase, segment } },
    create: { taskId, iteration, phase, segment, ...data },
    update: data,
  });
}

async function appendToHistory(tx: DbOrTransaction, change: TaskChange, from: TaskStatus): Promise<void> {
  const { taskId, seq, at, status, controlState, decisions, executions, fields } = change;
  await tx.taskDecision.createMany({
    data: decisions.map(({ kind, iteration, facts, actor }) => ({
      taskId,
      seq,
      kind,
      iteration,
      actor,
      facts: json(facts),
      decidedAt: new Date(at),
    })),
    skipDuplicates: true,
  });
  const payload = {
    taskId,
    status,
    from,
    controlState,
    at: new Date(at).toISOString(),
    ...fields,
    executions: executions.map(({ iteration, phase, segment, status: state, score }) => ({
      iteration,
      phase,
      segment,
      status: state,
      score,
    })),
    decisions: decisions.map(({ kind, iteration }) => ({ kind, iteration })),
  };
  const type = status === from ? 'task.updated' : 'task.status';
  await tx.taskEvent.createMany({ data: { taskId, seq, type, payload: json(payload) }, skipDuplicates: true });
}

/** Plain JSON by construction; Prisma's type wants an index signature that interfaces lack. */
function json(value: object): Prisma.InputJsonObject {
  return value;
}
