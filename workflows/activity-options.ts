/**
 * Every timeout and retry policy of the workflows, each with its reason. Activities are proxied here and nowhere else.
 * No phase has a limit over its attempts: a task may queue, or wait for what is down, for weeks. An attempt that takes too long is
 * followed by another one, which finds the job of the first.
 */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { TASK_QUEUES } from '../src/contracts/task-workflow';

/**
 * A worker that was killed is noticed after this long, or half as long again, for Temporal looks once each time; another one then takes
 * its activities up. Noticing one that is only slow does no harm: the second attempt finds the job of the first.
 */
const HEARTBEAT_TIMEOUT = '3s';

/** A service restarts in a second or two. */
const SOON: ActivityOptions['retry'] = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '5s' };

/** Database writes are short. They are retried until the database is back: the row must not miss a transition. */
const RECORD: ActivityOptions = {
  taskQueue: TASK_QUEUES.main,
  startToCloseTimeout: '15s',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
};

/** The report is read from the database and written to the bucket; it is worth waiting for, but not worth holding a task open. */
const REPORT: ActivityOptions = {
  taskQueue: TASK_QUEUES.main,
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '30m',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
};

/**
 * Attempts are unlimited because a worker's shutdown and a service that is down each cost one, and neither is the job's fault;
 * what no retry can mend is thrown as non-retryable.
 * `TRY_CANCEL`: a cancelled task stops its remote job at once and by key, without waiting for the poller to notice.
 */
const JOB: ActivityOptions = {
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: SOON,
};

/** Pausing takes as long as a checkpoint; a service that is away is asked when it is back, for it may take its jobs up again. */
const PAUSE: ActivityOptions = {
  taskQueue: TASK_QUEUES.control,
  startToCloseTimeout: '6h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: SOON,
};

/** Stopping ends after half an hour: a service that is gone for longer must not keep a cancelled task open. */
const STOP: ActivityOptions = {
  taskQueue: TASK_QUEUES.control,
  startToCloseTimeout: '45s',
  scheduleToCloseTimeout: '30m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: SOON,
};

export const { recordTask } = proxyActivities<Pick<Activities, 'recordTask'>>(RECORD);
/** Not behind records, which wait for the database: a cancel needs none. */
export const { requestCancellation } = proxyActivities<Pick<Activities, 'requestCancellation'>>({
  ...RECORD,
  taskQueue: TASK_QUEUES.control,
});
export const { writeReport } = proxyActivities<Pick<Activities, 'writeReport'>>(REPORT);
export const { pauseJob } = proxyActivities<Pick<Activities, 'pauseJob'>>(PAUSE);
export const { stopJob } = proxyActivities<Pick<Activities, 'stopJob'>>(STOP);

/** Hours, for the largest data sets on CPU. */
export const OPTIMIZE: ActivityOptions = {
  ...JOB,
  taskQueue: TASK_QUEUES.optimize,
  startToCloseTimeout: '6h',
};

/** Days, for a fine-tuning run; nothing bounds the queue for a GPU. */
export const TRAIN: ActivityOptions = { ...JOB, taskQueue: TASK_QUEUES.train, startToCloseTimeout: '72h' };

/** Hours: generation is scored row by row. */
export const EVALUATE: ActivityOptions = {
  ...JOB,
  taskQueue: TASK_QUEUES.evaluate,
  startToCloseTimeout: '6h',
};

export const { optimizeDataset } = proxyActivities<Pick<Activities, 'optimizeDataset'>>(OPTIMIZE);
export const { trainModel } = proxyActivities<Pick<Activities, 'trainModel'>>(TRAIN);
export const { evaluateModel } = proxyActivities<Pick<Activities, 'evaluateModel'>>(EVALUATE);
