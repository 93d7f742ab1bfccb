/** Rows of a task's history → what leaves the API. The task itself: `src/reports/task-view.ts`. */
import type { z } from 'zod';
import type { DecisionRow, EventRow, ExecutionRow } from '../../repositories/task-history';
import type { TaskRow } from '../../repositories/tasks';
import type { IterationMetrics } from '../../services/tasks/task-queries';
import type { decisionSchema, executionSchema, metricsSchema } from './schemas';

type JsonObject = Record<string, unknown>;

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;
const json = (value: unknown): JsonObject | null => (value ?? null) as JsonObject | null;

export function presentExecution(row: ExecutionRow): z.output<typeof executionSchema> {
  return {
    id: Number(row.id),
    taskId: row.taskId,
    iteration: row.iteration,
    phase: row.phase,
    segment: row.segment,
    status: row.status,
    inputDatasetId: row.inputDatasetId,
    outputDatasetId: row.outputDatasetId,
    modelPath: row.modelPath,
    evaluationPath: row.evaluationPath,
    score: row.score,
    details: json(row.details),
    failure: json(row.failure),
    startedAt: row.startedAt.toISOString(),
    completedAt: iso(row.completedAt),
  };
}

export function presentDecision(row: DecisionRow): z.output<typeof decisionSchema> {
  return {
    id: Number(row.id),
    iteration: row.iteration,
    kind: row.kind,
    facts: row.facts as JsonObject,
    actor: row.actor,
    decidedAt: row.decidedAt.toISOString(),
  };
}

export function presentMetrics(task: TaskRow, iterations: IterationMetrics[]): z.output<typeof metricsSchema> {
  return {
    taskId: task.taskId,
    metric: task.metricInfo as z.output<typeof metricsSchema>['metric'],
    iterations: iterations.map(({ iteration, evaluation, training }) => ({
      iteration,
      score: evaluation?.score.value ?? null,
      low: evaluation?.score.low ?? null,
      high: evaluation?.score.high ?? null,
      samples: evaluation?.score.samples ?? null,
      trainLoss: training?.trainLoss ?? null,
      mineLoss: training?.mineLoss ?? null,
      lossCurve: training?.lossCurve ?? null,
      steps: training?.steps ?? null,
      epochs: training?.epochs ?? null,
      trainingSeconds: training?.seconds ?? null,
    })),
  };
}

/** One server-sent event. JSON has no raw line break, so one `data` line holds it. */
export function eventText(row: EventRow): string {
  const data = JSON.stringify({ ...(row.payload as JsonObject), seq: row.seq, createdAt: row.createdAt.toISOString() });
  return `id: ${row.id}\nevent: ${row.type}\ndata: ${data}\n\n`;
}
