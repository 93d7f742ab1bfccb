/** What administrators ask of the installation as a whole: to clear the bucket of what nobody can reach, or to be told what would go. */
import type { z } from 'zod';
import type { RetentionReport } from '../../contracts/maintenance';
import { GARBAGE_REASONS, type GarbageReason } from '../../domain/reachability';
import { notFound } from '../../domain/errors';
import type { Api } from '../api';
import type { Reply } from '../operation';
import { retentionBody, retentionParams, retentionSchema } from './schemas';

/** Passes of retention: `src/temporal/retention.ts`, bound to a client. */
export interface RetentionPasses {
  /** Starts one, or finds the one of the same kind that goes on. Answers with its id. */
  start(request: { dryRun: boolean }): Promise<string>;
  /** Waits for some time for the report; null while the pass goes on. Throws `NOT_FOUND` for an id of no pass. */
  report(retentionId: string): Promise<RetentionReport | null>;
}

const ANSWERS = {
  200: { description: 'The report', schema: retentionSchema },
  202: { description: 'It goes on; ask for it by its id', schema: retentionSchema },
};

/** Adds `/api/admin/retention`. */
export function adminRoutes(api: Api, retention: RetentionPasses): void {
  const answer = async (retentionId: string): Promise<Reply> => {
    const report = await retention.report(retentionId);
    return { status: report ? 200 : 202, body: present(retentionId, report) };
  };
  api.add(
    {
      operationId: 'runRetention',
      method: 'post',
      path: '/api/admin/retention',
      tag: 'admin',
      summary: 'Remove from the bucket what nobody can reach, or tell what would go',
      access: 'admin',
      body: retentionBody,
      responses: ANSWERS,
    },
    async ({ body }) => answer(await retention.start(body)),
  );
  api.add(
    {
      operationId: 'getRetention',
      method: 'get',
      path: '/api/admin/retention/{retentionId}',
      tag: 'admin',
      summary: 'The report of a pass that was started by hand',
      access: 'admin',
      params: retentionParams,
      responses: ANSWERS,
    },
    async ({ params }) => {
      if (!/^(dry-run|by-hand)_[\w-]+$/.test(params.retentionId)) throw notFound('pass of retention');
      return answer(params.retentionId);
    },
  );
}

function present(retentionId: string, report: RetentionReport | null): z.output<typeof retentionSchema> {
  if (!report) return { retentionId, report };
  const garbage = Object.entries(report.garbage).map(([reason, group]) => [
    reason,
    { ...group, why: GARBAGE_REASONS[reason as GarbageReason] },
  ]);
  return { retentionId, report: { ...report, garbage: Object.fromEntries(garbage) as never } };
}
