/** What happened to a task: executions, decisions, curves, report, evaluations, events. */
import type { TaskQueries } from '../../services/tasks/task-queries';
import type { Api } from '../api';
import { PAGE_CSP } from '../page-policy';
import { sendObject, type Sendable } from '../send-object';
import { cursorText, pageOf } from '../validation';
import { streamEvents } from './event-stream';
import { eventText, presentDecision, presentExecution, presentMetrics } from './presenter';
import {
  decisionSchema,
  evaluationParams,
  evaluationSchema,
  executionSchema,
  historyQuery,
  metricsSchema,
  reportSchema,
  taskParams,
} from './schemas';

/** The report of a task, made from its rows when it is asked for. */
export interface TaskReports {
  json(taskId: string): Promise<object>;
  /** One self-contained page. */
  html(taskId: string): Promise<string>;
  /** The evaluator's own report. */
  evaluation(task: { taskId: string; testResult: unknown }, iteration: number | 'final'): Promise<Sendable>;
}

export interface TaskHistoryRouteDeps {
  queries: TaskQueries;
  reports: TaskReports;
  eventPollMs: number;
  draining: AbortSignal;
}

/** Adds what can be read below `/api/tasks/{taskId}`. */
export function taskHistoryRoutes(api: Api, { queries, reports, eventPollMs, draining }: TaskHistoryRouteDeps): void {
  const one = { method: 'get', tag: 'tasks', access: 'reader', params: taskParams } as const;

  api.add(
    {
      ...one,
      operationId: 'listExecutions',
      path: '/api/tasks/{taskId}/executions',
      summary: 'Every phase of every iteration, in the order they were started',
      query: historyQuery,
      responses: { 200: { description: 'A page', schema: pageOf(executionSchema) } },
    },
    async ({ caller, params, query: { limit, cursor } }) => {
      const { rows, nextCursor } = await queries.executions(caller, params.taskId, limit, cursor ?? null);
      return { status: 200, body: { items: rows.map(presentExecution), nextCursor: cursorText(nextCursor) } };
    },
  );
  api.add(
    {
      ...one,
      operationId: 'listDecisions',
      path: '/api/tasks/{taskId}/decisions',
      summary: 'The decision ledger: every promote, continue and stop with its numbers',
      query: historyQuery,
      responses: { 200: { description: 'A page', schema: pageOf(decisionSchema) } },
    },
    async ({ caller, params, query: { limit, cursor } }) => {
      const { rows, nextCursor } = await queries.decisions(caller, params.taskId, limit, cursor ?? null);
      return { status: 200, body: { items: rows.map(presentDecision), nextCursor: cursorText(nextCursor) } };
    },
  );
  api.add(
    {
      ...one,
      operationId: 'getTaskMetrics',
      path: '/api/tasks/{taskId}/metrics',
      summary: 'Scores with intervals and loss curves by iteration',
      responses: { 200: { description: 'The curves', schema: metricsSchema } },
    },
    async ({ caller, params }) => {
      const { task, iterations } = await queries.metrics(caller, params.taskId);
      return { status: 200, body: presentMetrics(task, iterations) };
    },
  );
  api.add(
    {
      ...one,
      operationId: 'getTaskReport',
      path: '/api/tasks/{taskId}/report',
      summary: 'The report, also while the task runs; one page for Accept: text/html',
      responses: { 200: { description: 'The report; text/html where asked for', schema: reportSchema } },
    },
    async ({ caller, params, req, res }) => {
      const { taskId } = await queries.get(caller, params.taskId);
      res.vary('Accept');
      if (req.accepts(['json', 'html']) !== 'html') return { status: 200, body: await reports.json(taskId) };
      res.set({ 'Content-Security-Policy': PAGE_CSP, 'Cache-Control': 'private, no-store' });
      res
        .status(200)
        .type('html')
        .send(await reports.html(taskId));
      return undefined;
    },
  );
  api.add(
    {
      ...one,
      params: evaluationParams,
      operationId: 'getEvaluation',
      path: '/api/tasks/{taskId}/evaluations/{iteration}',
      summary:
        'All that the evaluator found: notes, confusion, calibration, slices, bad cases; `final`: of the sealed test',
      responses: { 200: { description: 'The evaluation report', schema: evaluationSchema } },
    },
    async ({ caller, params, res }) => {
      const task = await queries.get(caller, params.taskId);
      const object = await reports.evaluation(task, params.iteration);
      res.type('json').set('Cache-Control', 'private, no-store');
      return sendObject(res, object);
    },
  );
  api.add(
    {
      ...one,
      operationId: 'streamTaskEvents',
      path: '/api/tasks/{taskId}/events',
      summary: 'Server-sent events: what was missed since Last-Event-ID, then live',
      responses: {
        200: { description: 'Events', contentType: 'text/event-stream' },
        204: { description: 'The task has ended and nothing was missed' },
      },
    },
    async ({ caller, params, req, res }) => {
      const task = await queries.get(caller, params.taskId);
      await streamEvents(req, res, {
        // A stream may outlive the login that opened it.
        eventsAfter: async (id) => queries.eventsAfter(await api.callerOf(req), task, id),
        present: eventText,
        pollMs: eventPollMs,
        draining,
      });
      return undefined;
    },
  );
}
