/**
 * The messages of a task: pause, resume, cancel, fail, other settings; and the two questions that may be put to it. Handlers and
 * validators are synchronous: nothing is in flight when the workflow continues as new, and a refused update is refused before it is
 * accepted. Not covered: what a message does (`task-control.ts`).
 */
import { ApplicationFailure, defineQuery, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import { neutralHyperparameterFaults } from '../src/domain/neutral-hyperparameters';
import { stopConditionFaults } from '../src/domain/stop-condition-patch';
import type { StopConditions } from '../src/domain/stop-conditions';
import {
  MESSAGE_NAMES,
  type ControlAnswer,
  type ControlRequest,
  type TaskProgressView,
  type TaskSpec,
  type TaskStatusView,
  type UpdateHyperparametersRequest,
  type UpdateStopConditionsRequest,
} from '../src/contracts/task-workflow';
import type { TaskControl } from './task-control';

const pauseSignal = defineSignal<[ControlRequest?]>(MESSAGE_NAMES.pause);
const resumeSignal = defineSignal<[ControlRequest?]>(MESSAGE_NAMES.resume);
const cancelSignal = defineSignal<[ControlRequest?]>(MESSAGE_NAMES.cancel);
const failSignal = defineSignal<[ControlRequest?]>(MESSAGE_NAMES.fail);
const pauseUpdate = defineUpdate<ControlAnswer, [ControlRequest?]>(MESSAGE_NAMES.pause);
const resumeUpdate = defineUpdate<ControlAnswer, [ControlRequest?]>(MESSAGE_NAMES.resume);
const stopConditionsUpdate = defineUpdate<StopConditions, [UpdateStopConditionsRequest]>(
  MESSAGE_NAMES.updateStopConditions,
);
const hyperparametersUpdate = defineUpdate<TaskSpec['hyperparameters'], [UpdateHyperparametersRequest]>(
  MESSAGE_NAMES.updateHyperparameters,
);
const statusQuery = defineQuery<TaskStatusView>(MESSAGE_NAMES.status);
const progressQuery = defineQuery<TaskProgressView>(MESSAGE_NAMES.progress);

/** From now on the task is told what is asked of it. Messages that came before are told at once. */
export function receiveMessages(control: TaskControl): void {
  receiveSignals(control);
  receiveUpdates(control);
  setHandler(statusQuery, () => control.statusView(), { description: 'Status, control state and stop conditions.' });
  setHandler(progressQuery, () => control.progressView(), { description: 'Iteration, phase and scores so far.' });
}

/** A signal cannot be refused: what is not possible now counts as not said. */
function receiveSignals(control: TaskControl): void {
  setHandler(
    pauseSignal,
    (request) => {
      if (control.isOpen && !control.isPaused && control.takesPauses) control.pause(request);
    },
    { description: 'Suspend the task: its job ends, a training with a checkpoint. Optional argument: {"reason": "…"}' },
  );
  setHandler(
    resumeSignal,
    (request) => {
      if (control.isOpen && control.isPaused) control.resume(request);
    },
    { description: 'Go on with a suspended task. Optional argument: {"reason": "…"}' },
  );
  setHandler(
    cancelSignal,
    (request) => {
      if (control.mayEnd) control.cancel(request);
    },
    { description: 'End the task and its running job. Optional argument: {"reason": "…"}' },
  );
  setHandler(
    failSignal,
    (request) => {
      if (control.isOpen) control.fail(request);
    },
    {
      description: 'End the task and its running job as FAILED, suspended or not. Optional argument: {"reason": "…"}',
    },
  );
}

function receiveUpdates(control: TaskControl): void {
  setHandler(
    pauseUpdate,
    (request) => {
      if (!control.isPaused) control.pause(request);
      return control.answer();
    },
    {
      description: 'Suspend the task: its job ends, a training with a checkpoint. Answers at once.',
      validator: (_request?: ControlRequest) => {
        if (control.isSuspended) refuse('the task is suspended already');
        if (!control.isOpen) refuse(`a task that is ${control.standing} cannot be paused`);
      },
    },
  );
  setHandler(
    resumeUpdate,
    (request) => {
      control.resume(request);
      return control.answer();
    },
    {
      description: 'Go on with a suspended task, or call off a pause that has not taken hold yet.',
      validator: (_request?: ControlRequest) => {
        if (!control.isOpen || !control.isPaused) refuse(`a task that is ${control.standing} cannot be resumed`);
      },
    },
  );
  setHandler(stopConditionsUpdate, (request) => control.editStopConditions(request), {
    description: 'Change some stop conditions of a CONTINUOUS task, such as {"maxIterations": 8}; absent ones stay.',
    validator: (request?: UpdateStopConditionsRequest | null) => {
      if (control.mode !== 'CONTINUOUS') refuse('a STANDARD task has no stop conditions');
      if (!control.isLooping) refuse(`the stop conditions of a task that is ${control.standing} cannot change`);
      const { actor: _actor, ...patch } = request ?? {};
      const faults = stopConditionFaults(patch);
      if (faults.length > 0) refuse(faults.join('; '));
    },
  });
  setHandler(hyperparametersUpdate, (request) => control.editHyperparameters(request), {
    description:
      'Change settings of a suspended task that do not change its results: {"hyperparameters": {"checkpoint_interval_seconds": 30}}',
    validator: (request?: Partial<UpdateHyperparametersRequest> | null) => {
      if (!control.isOpen || !control.isSuspended)
        refuse(`hyperparameters can change while a task is SUSPENDED; it is ${control.standing}`);
      const hyperparameters = request?.hyperparameters;
      if (typeof hyperparameters !== 'object' || hyperparameters === null)
        refuse('the argument must be such as {"hyperparameters": {"checkpoint_interval_seconds": 30}}');
      const faults = neutralHyperparameterFaults(hyperparameters);
      if (faults.length > 0) refuse(faults.join('; '));
    },
  });
}

function refuse(why: string): never {
  throw ApplicationFailure.nonRetryable(why, 'REFUSED');
}
