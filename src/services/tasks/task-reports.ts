/** A task's report, made from its rows when it is asked for, so that it is also there while the task runs; and the evaluator's own. */
import { AppError, notFound } from '../../domain/errors';
import type { Logger } from '../../logger';
import { buildReport, championEvaluationKey, sealedEvaluationKey } from '../../reports/build-report';
import { renderReportHtml } from '../../reports/html';
import type { EvaluationDetails, Report } from '../../reports/report';
import type { TaskHistory, TaskRecordRepository } from '../../repositories/task-records';
import type { ObjectStore, StoredObject } from '../../storage/object-store';
import { readSmallJson } from '../../storage/small-json';

/** What of a task's row tells where its evaluations are. */
export interface EvaluatedTask {
  taskId: string;
  testResult: unknown;
}

export class TaskReportService {
  constructor(
    private readonly records: TaskRecordRepository,
    private readonly store: ObjectStore,
    private readonly logger: Logger,
  ) {}

  /** The caller's right to see the task was checked before. */
  async json(taskId: string): Promise<Report> {
    return buildReport(await this.history(taskId));
  }

  /** One self-contained page. */
  async html(taskId: string): Promise<string> {
    const history = await this.history(taskId);
    const [champion, sealed] = await Promise.all(
      [championEvaluationKey(history), sealedEvaluationKey(history)].map((key) => this.details(taskId, key)),
    );
    return renderReportHtml(buildReport(history), champion, sealed);
  }

  /** What the evaluator wrote of an iteration's model, or of the champion on the sealed rows. Its body must be read or destroyed. */
  async evaluation(task: EvaluatedTask, iteration: number | 'final'): Promise<StoredObject> {
    const isFinal = iteration === 'final';
    const key = isFinal ? sealedEvaluationKey({ task }) : await this.records.evaluationPath(task.taskId, iteration);
    if (key === null)
      throw new AppError(
        'NOT_FOUND',
        isFinal
          ? 'the sealed test rows have not been evaluated, or not yet; a decision `read-test` tells when they were'
          : `iteration ${iteration} has not been evaluated, or not yet; the task’s executions tell which were`,
      );
    const object = await this.store.read(key);
    if (!object)
      throw new AppError('STORAGE_UNAVAILABLE', 'this evaluation is known, but cannot be found in the object store');
    return object;
  }

  private async history(taskId: string): Promise<TaskHistory> {
    const history = await this.records.history(taskId);
    if (!history) throw notFound('task');
    return history;
  }

  /** What the evaluator wrote beyond its result: notes, confusion, bad cases; the page can do without them. */
  private async details(taskId: string, key: string | null): Promise<EvaluationDetails | null> {
    if (!key) return null;
    try {
      return (await readSmallJson(this.store, key)) as EvaluationDetails | null;
    } catch (error) {
      this.logger.warn({ taskId, key, err: error }, 'the page is made without the evaluation file');
      return null;
    }
  }
}
