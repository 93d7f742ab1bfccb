/** Writes a task's report, as JSON and as one page, from its rows. */
import { reportKeys } from '../src/domain/storage-keys';
import { buildReport, championEvaluationKey, sealedEvaluationKey } from '../src/reports/build-report';
import { renderReportHtml } from '../src/reports/html';
import type { EvaluationDetails } from '../src/reports/report';
import type { TaskRecordRepository } from '../src/repositories/task-records';
import { notFound } from '../src/domain/errors';
import { toFailure } from './failures';

/** The part of the object store that reports need. */
export interface ReportFiles {
  write(key: string, text: string, contentType: string): Promise<void>;
  /** Null when there is no such object, or one larger than a report may be. */
  readJson(key: string): Promise<unknown>;
}

/** Writes both files anew. May be repeated safely: the same rows give the same bytes. */
export async function writeReport(
  records: TaskRecordRepository,
  files: ReportFiles,
  { taskId }: { taskId: string },
): Promise<void> {
  try {
    const history = await records.history(taskId);
    if (!history) throw notFound(`task ${taskId}`);
    const report = buildReport(history);
    const keys = reportKeys(taskId);
    await files.write(keys.json, JSON.stringify(report, null, 2), 'application/json');
    const [champion, sealed] = await Promise.all(
      [championEvaluationKey(history), sealedEvaluationKey(history)].map(async (key) =>
        key ? ((await files.readJson(key)) as EvaluationDetails | null) : null,
      ),
    );
    await files.write(keys.html, renderReportHtml(report, champion, sealed), 'text/html; charset=utf-8');
  } catch (error) {
    throw toFailure(error);
  }
}
