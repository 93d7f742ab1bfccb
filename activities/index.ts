/** The activities of the worker, over what they need. Workflows import the type alone. */
import type { WorkflowClient } from '@temporalio/client';
import type { JobAddress } from '../src/contracts/job-key';
import type {
  EvaluateRequest,
  EvaluateResult,
  OptimizeRequest,
  ServiceName,
  TrainRequest,
  TrainResult,
} from '../src/contracts/jobs';
import type { TaskChange } from '../src/contracts/task-record';
import type { TaskStatus } from '../src/domain/task-status';
import type { TaskRecordRepository } from '../src/repositories/task-records';
import { announceChampion } from './announce-champion';
import { DEFAULT_END_TIMING, type EndTiming } from './end-job';
import { evaluateModel } from './evaluate-model';
import { optimizeDataset, type SizedOptimizeResult } from './optimize-dataset';
import { pauseJob, type PausedJob } from './pause-job';
import type { PythonJobClient } from './python-job-client';
import { recordTask } from './record-task';
import { requestCancellation } from './request-cancellation';
import { DEFAULT_TIMING, type JobRunner, type JobTiming } from './run-job';
import { stopJob, type StoppedJob } from './stop-job';
import { trainModel } from './train-model';
import { whileBeating } from './while-beating';
import { writeReport, type ReportFiles } from './write-report';

/** Under which a service's jobs run. The final test runs after the last evaluation. */
const STATUSES_OF_JOBS: Readonly<Record<ServiceName, readonly TaskStatus[]>> = {
  optimizer: ['OPTIMIZING'],
  trainer: ['TRAINING'],
  evaluator: ['EVALUATING', 'LOOPING'],
};

export interface ActivityDependencies {
  records: TaskRecordRepository;
  jobClients: Record<ServiceName, PythonJobClient>;
  files: ReportFiles & { sizeOf(key: string): Promise<number> };
  workflowClient: WorkflowClient;
  /** Whether the trainer is told of promotions, for MLflow. */
  mirrorsChampion?: boolean;
  timing?: Partial<JobTiming>;
  endTiming?: Partial<EndTiming>;
}

/** Builds the activities. They keep no state between calls. */
export function createActivities({ records, jobClients, files, workflowClient, ...options }: ActivityDependencies) {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const endTiming = { ...DEFAULT_END_TIMING, ...options.endTiming };
  const runner = (service: ServiceName): JobRunner => ({
    client: jobClients[service],
    timing,
    writeProgress: (taskId, progress) => records.writeProgress(taskId, STATUSES_OF_JOBS[service], progress),
  });
  return {
    optimizeDataset: (request: OptimizeRequest): Promise<SizedOptimizeResult> =>
      optimizeDataset(runner('optimizer'), (key) => files.sizeOf(key), request),
    trainModel: (request: TrainRequest): Promise<TrainResult> => trainModel(runner('trainer'), request),
    evaluateModel: (request: EvaluateRequest): Promise<EvaluateResult> => evaluateModel(runner('evaluator'), request),
    pauseJob: (address: JobAddress): Promise<PausedJob> => pauseJob(jobClients, endTiming, address),
    stopJob: (address: JobAddress): Promise<StoppedJob> => stopJob(jobClients, endTiming, address),
    recordTask: (change: TaskChange): Promise<void> =>
      whileBeating(async () => {
        await recordTask(records, (key) => files.sizeOf(key), change);
        if (options.mirrorsChampion) await announceChampion(jobClients.trainer, change);
      }),
    writeReport: (request: { taskId: string }): Promise<void> => writeReport(records, files, request),
    requestCancellation: (run: { workflowId: string; runId: string }): Promise<void> =>
      whileBeating(() => requestCancellation(workflowClient, run)),
  };
}

export type Activities = ReturnType<typeof createActivities>;
