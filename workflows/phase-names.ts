/** Which status a phase runs under, and back. */
import type { ExecutionPhase } from '../src/contracts/task-record';
import type { ServiceName } from '../src/contracts/jobs';
import type { LiveStatus, TaskStatus } from '../src/domain/task-status';

export const STATUS_OF_PHASE = {
  optimization: 'OPTIMIZING',
  training: 'TRAINING',
  evaluation: 'EVALUATING',
} as const satisfies Record<ExecutionPhase, LiveStatus>;

export const PHASE_OF_STATUS: Partial<Record<TaskStatus, ExecutionPhase>> = {
  OPTIMIZING: 'optimization',
  TRAINING: 'training',
  EVALUATING: 'evaluation',
};

export const SERVICE_OF_PHASE = {
  optimization: 'optimizer',
  training: 'trainer',
  evaluation: 'evaluator',
} as const satisfies Record<ExecutionPhase, ServiceName>;
