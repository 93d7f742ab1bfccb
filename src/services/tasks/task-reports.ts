/** A task's report, made from its rows when it is asked for, so that it is also there while the task runs. */
import { json } from 'node:stream/consumers';
import { notFound } from '../../domain/errors';
import { buildReport } from '../../reports/build-report';
import { renderReportHtml } from '../../reports/html';
import type { EvaluationDetails, Report } from '../../reports/report';
import type { TaskHistory, TaskRecordRepository } from '../../repositories/task-records';
import type { ObjectStore } from '../../storage/object-store';

/** An evaluation's report holds figures and a bounded list of bad cases; what is larger is something else. */
const MAX_EVALUATION_BYTES = 8 * 1024 ** 2;

export class TaskReportService {
  constructor(
    private readonly records: TaskRecordRepository,
    private readonly store: ObjectStore,
  ) {}

  /** The caller's right to see the task was checked before. */
  async json(taskId: string): Promise<Report> {
    return buildReport(await this.history(taskId));
  }

  /** One self-contained page. */
  async html(taskId: string): Promise<string> {
    const history = await this.history(taskId);
    return renderReportHtml(buildReport(history), await this.championEvaluation(history));
  }

  private async history(taskId: string): Promise<TaskHistory> {
    const history = await this.records.history(taskId);
    if (!history) throw notFound('task');
    return history;
  }

  /** Confusion and bad cases of the champion; the page can do without them. */
  private async championEvaluation({ task, executions }: TaskHistory): Promise<EvaluationDetails | null> {
    const path = executions.findLast(
      ({ phase, iteration, evaluationPath }) =>
        phase === 'evaluation' && iteration === task.championIteration && evaluationPath,
    )?.evaluationPath;
    const object = path ? await this.store.read(path) : null;
    if (!object) return null;
    if (object.size <= MAX_EVALUATION_BYTES) return (await json(object.body)) as EvaluationDetails;
    object.body.destroy();
    return null;
  }
}
