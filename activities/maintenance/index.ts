/** The activities of the maintenance workflows, over what they need. Workflows import the type alone. */
import type { WorkflowClient } from '@temporalio/client';
import type { JobAddress } from '../../src/contracts/job-key';
import type {
  JobsReport,
  RetentionReport,
  RetentionRequest,
  RowsReport,
  SweepReport,
  WorkflowsReport,
} from '../../src/contracts/maintenance';
import type { ReconciliationRepository } from '../../src/repositories/reconciliation';
import type { TaskRecordRepository } from '../../src/repositories/task-records';
import { collectGarbage, type GarbageCollector } from './collect-garbage';
import { reconcileRows } from './reconcile-rows';
import { reviewWorkflows } from './review-workflows';
import { stopOrphanJobs, type JobLister } from './stop-orphan-jobs';

export interface MaintenanceDependencies {
  /** Starts what is in doubt and answers with the ids. */
  sweepStarts: () => Promise<string[]>;
  reads: ReconciliationRepository;
  records: TaskRecordRepository;
  workflowClient: WorkflowClient;
  namespace: string;
  services: readonly JobLister[];
  /** A row that was written more recently is left alone. */
  quietSeconds: number;
  retention: GarbageCollector;
  /** Activities of tasks, used here for tasks that have no workflow any more. */
  tasks: {
    stopJob: (address: JobAddress) => Promise<unknown>;
    writeReport: (request: { taskId: string }) => Promise<void>;
  };
}

/** Builds the activities. They keep no state between calls. */
export function createMaintenanceActivities({ sweepStarts, tasks, retention, ...deps }: MaintenanceDependencies) {
  return {
    sweepStartsInDoubt: async (): Promise<SweepReport> => ({ started: (await sweepStarts()).length }),
    reconcileRows: (): Promise<RowsReport> =>
      reconcileRows({ ...deps, writeReport: (taskId) => tasks.writeReport({ taskId }) }),
    stopOrphanJobs: (): Promise<JobsReport> => stopOrphanJobs({ ...deps, stopJob: tasks.stopJob }),
    reviewWorkflows: (): Promise<WorkflowsReport> => reviewWorkflows(deps),
    collectUnreachable: (request: RetentionRequest): Promise<RetentionReport> => collectGarbage(retention, request),
  };
}

export type MaintenanceActivities = ReturnType<typeof createMaintenanceActivities>;
