/** The only door for the bundler: every function exported here is a workflow type. */
export { standardTraining } from './standard-training';
export { continuousLearning } from './continuous-learning';
export { collectGarbage } from './maintenance/collect-garbage';
export { reconcileTasks } from './maintenance/reconcile-tasks';
export { sweepStarts } from './maintenance/sweep-starts';
