/**
 * Stops jobs that nobody waits for: of tasks that are gone, over or suspended, whose workflow has ended or has gone on to another
 * segment. A service that is down, or cannot list its jobs, does not keep the others waiting.
 */
import { log } from '@temporalio/activity';
import type { WorkflowClient } from '@temporalio/client';
import type { JobAddress } from '../../src/contracts/job-key';
import type { JobStatus, ServiceName } from '../../src/contracts/jobs';
import type { JobsReport } from '../../src/contracts/maintenance';
import { orphanReason } from '../../src/domain/reconciliation';
import type { ReconciliationRepository } from '../../src/repositories/reconciliation';
import { whileBeating } from '../while-beating';
import { sideBySide } from './side-by-side';
import { workflowState } from './task-workflow';

const AT_ONCE = 5;
const LIST_MS = 15_000;
const MAX_TOLD = 50;

/** The part of a job client that is needed here. */
export interface JobLister {
  readonly service: ServiceName;
  liveJobs(signal: AbortSignal): Promise<JobStatus[]>;
}

export interface OrphanStopper {
  reads: ReconciliationRepository;
  workflowClient: WorkflowClient;
  services: readonly JobLister[];
  stopJob: (address: JobAddress) => Promise<unknown>;
}

/** Looks at the live jobs of every service. May be repeated safely. */
export function stopOrphanJobs(deps: OrphanStopper, now = () => new Date()): Promise<JobsReport> {
  return whileBeating(async () => {
    const report: JobsReport = { live: 0, stopped: [], stoppedInAll: 0, unstopped: 0, unreachable: [] };
    await sideBySide(deps.services, deps.services.length, async (lister) => {
      const jobs = await listed(lister);
      if (!jobs) return void report.unreachable.push(lister.service);
      report.live += jobs.length;
      await sideBySide(jobs, AT_ONCE, (job) => review(deps, lister.service, job, now, report));
    });
    return report;
  });
}

async function listed(lister: JobLister): Promise<JobStatus[] | null> {
  try {
    return await lister.liveJobs(AbortSignal.timeout(LIST_MS));
  } catch (error) {
    log.warn('the live jobs of a service cannot be looked at', { service: lister.service, error: String(error) });
    return null;
  }
}

async function review(
  deps: OrphanStopper,
  service: ServiceName,
  { jobKey, taskId, iteration, phase, segment, createdAt }: JobStatus,
  now: () => Date,
  report: JobsReport,
): Promise<void> {
  try {
    // In this order: a workflow that ends in between has written its row before.
    const workflow = await workflowState(deps.workflowClient, taskId);
    const task = (await deps.reads.standings([taskId])).get(taskId) ?? null;
    const newestSegment = await deps.reads.newestSegment(taskId, iteration, phase);
    const job = { createdAt: new Date(createdAt), segment };
    const reason = orphanReason(job, { task, workflow, newestSegment }, now());
    if (reason === null) return;
    log.warn('stopping a job that nobody waits for', { service, jobKey, reason });
    await deps.stopJob({ service, jobKey });
    report.stoppedInAll += 1;
    if (report.stopped.length < MAX_TOLD) report.stopped.push({ service, jobKey, reason });
  } catch (error) {
    report.unstopped += 1;
    log.warn('a live job could not be looked at or stopped', { service, jobKey, error: String(error) });
  }
}
