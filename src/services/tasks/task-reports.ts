/** A task's report, made from its rows when it is asked for, so that it is also there while the task runs; and the evaluator's own. */
import { AppError, notFound } from '../../domain/errors';
import type { Logger } from '../../logger';
import { buildReport, championEvaluationKey, evaluationKey, sealedEvaluationKey } from '../../reports/build-report';
import { renderReportHtml } from '../../reports/html';
import type { EvaluationDetails, Report } from '../../reports/report';
import type { TaskHistory, TaskRecordRepository } from '../../repositories/task-records';
import type { ObjectStore, StoredObject } from '../../storage/object-store';
import { readSmallJson } from '../../storage/small-json';

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
  async evaluation(taskId: string, iteration: number | 'final'): Promise<StoredObject> {
    const history = await this.history(taskId);
    const key = iteration === 'final' ? sealedEvaluationKey(history) : evaluationKey(history, iteration);
    const object = key === null ? null : await this.store.read(key);
    if (object) return object;
    const what = iteration === 'final' ? 'the sealed test rows have' : `iteration ${iteration} has`;
    throw new AppError('NOT_FOUND', `${what} not been evaluated, or not yet; the task’s executions tell what was`);
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
