/** Tasks: create, control, read. History, report and events are in `history-routes.ts`. */
import type { z } from 'zod';
import type { TaskMode } from '../../contracts/task-workflow';
import type { Caller } from '../../domain/access';
import { operatorsOf } from '../../domain/operators';
import type { StopConditions } from '../../domain/stop-conditions';
import { presentTask } from '../../reports/task-view';
import type { TaskControl, StopConditionsChange } from '../../services/tasks/control-task';
import type { TaskCreation, TaskRequest } from '../../services/tasks/create-task';
import type { TaskQueries } from '../../services/tasks/task-queries';
import type { Api } from '../api';
import type { Keep, Reply } from '../operation';
import { cursorText, pageOf } from '../validation';
import {
  continuousTaskBody,
  controlBody,
  neutralHyperparametersBody,
  standardTaskBody,
  stopConditionsBody,
  taskListQuery,
  taskParams,
  taskSchema,
} from './schemas';

export interface TaskRouteDeps {
  creation: TaskCreation;
  control: TaskControl;
  queries: TaskQueries;
}

type TaskRow = Parameters<typeof presentTask>[0];

const accepted = {
  200: { description: 'The task; nothing is left to do', schema: taskSchema },
  202: { description: 'The task; the request is being carried out', schema: taskSchema },
  409: { description: 'The task is in a state that does not allow it' },
  503: { description: 'The workflow service does not answer' },
};

/** Adds `/api/tasks`: creating and controlling for writers, reading for everyone within what is theirs. */
export function taskRoutes(api: Api, { creation, control, queries }: TaskRouteDeps): void {
  const create = async (caller: Caller, request: TaskRequest, keep: Keep) =>
    created(await creation.create(caller, request, (tx, task) => keep(tx, created(task))));

  api.add(
    {
      operationId: 'createStandardTask',
      method: 'post',
      path: '/api/tasks/standard',
      tag: 'tasks',
      summary: 'Create a task that optimizes, trains and evaluates once',
      access: 'writer',
      body: standardTaskBody,
      idempotent: true,
      responses: { 201: { description: 'The task, PENDING', schema: taskSchema } },
    },
    ({ caller, body, keep }) => create(caller, standardRequest(body), keep),
  );
  api.add(
    {
      operationId: 'createContinuousTask',
      method: 'post',
      path: '/api/tasks/continuous',
      tag: 'tasks',
      summary: 'Create a task that learns from its failures until a stop condition fires',
      access: 'writer',
      body: continuousTaskBody,
      idempotent: true,
      responses: { 201: { description: 'The task, PENDING', schema: taskSchema } },
    },
    ({ caller, body, keep }) => create(caller, continuousRequest(body), keep),
  );
  api.add(
    {
      operationId: 'listTasks',
      method: 'get',
      path: '/api/tasks',
      tag: 'tasks',
      summary: 'Your tasks, newest first; everyone’s for administrators',
      access: 'reader',
      query: taskListQuery,
      responses: { 200: { description: 'A page', schema: pageOf(taskSchema) } },
    },
    async ({ caller, query: { limit, cursor, userId, ...filter } }) => {
      const { rows, nextCursor } = await queries.list(caller, userId ?? null, filter, limit, cursor ?? null);
      return { status: 200, body: { items: rows.map(presentTask), nextCursor: cursorText(nextCursor) } };
    },
  );
  api.add(
    {
      operationId: 'getTask',
      method: 'get',
      path: '/api/tasks/{taskId}',
      tag: 'tasks',
      summary: 'One task',
      access: 'reader',
      params: taskParams,
      responses: { 200: { description: 'The task', schema: taskSchema } },
    },
    async ({ caller, params }) => ({ status: 200, body: presentTask(await queries.get(caller, params.taskId)) }),
  );
  api.add(
    {
      operationId: 'startTask',
      method: 'post',
      path: '/api/tasks/{taskId}/start',
      tag: 'tasks',
      summary: 'Start a task; repeating it finds the same workflow',
      access: 'writer',
      params: taskParams,
      body: controlBody,
      bodyOptional: true,
      responses: accepted,
    },
    async ({ caller, params }) => {
      const started = await control.start(caller, params.taskId);
      return { status: started.accepted ? 202 : 200, body: presentTask(started.task) };
    },
  );
  for (const verb of ['pause', 'resume', 'cancel', 'fail'] as const) {
    api.add(
      {
        operationId: `${verb}Task`,
        method: 'post',
        path: `/api/tasks/{taskId}/${verb}`,
        tag: 'tasks',
        summary: CONTROL_SUMMARIES[verb],
        access: 'writer',
        params: taskParams,
        body: controlBody,
        bodyOptional: true,
        responses: accepted,
      },
      async ({ caller, params, body }) => controlled(await control[verb](caller, params.taskId, body.reason ?? null)),
    );
  }
  api.add(
    {
      operationId: 'changeStopConditions',
      method: 'patch',
      path: '/api/tasks/{taskId}/stop-conditions',
      tag: 'tasks',
      summary: 'Change what ends a continuous task, also while it runs',
      access: 'writer',
      params: taskParams,
      body: stopConditionsBody,
      responses: {
        200: { description: 'The task', schema: taskSchema },
        409: { description: 'It has no loop to stop' },
      },
    },
    async ({ caller, params, body }) => {
      const task = await control.changeStopConditions(caller, params.taskId, stopConditionsChange(body));
      return { status: 200, body: presentTask(task) };
    },
  );
  api.add(
    {
      operationId: 'changeHyperparameters',
      method: 'patch',
      path: '/api/tasks/{taskId}/hyperparameters',
      tag: 'tasks',
      summary: 'Change how a suspended task trains, but not what comes out of it',
      access: 'writer',
      params: taskParams,
      body: neutralHyperparametersBody,
      responses: {
        200: { description: 'The task', schema: taskSchema },
        409: { description: 'It is not SUSPENDED' },
      },
    },
    async ({ caller, params, body }) => {
      const task = await control.changeHyperparameters(caller, params.taskId, body);
      return { status: 200, body: presentTask(task) };
    },
  );
}

const CONTROL_SUMMARIES = {
  pause: 'Suspend a task: its job ends, a training with a checkpoint; it can be resumed later, from where it was',
  resume: 'Let a suspended task go on',
  cancel: 'End a task and what it runs',
  fail: 'End a task and what it runs as FAILED, for a reason that only people know; also while it is suspended',
};

function created(task: TaskRow): Exclude<Reply, undefined> {
  return { status: 201, body: presentTask(task) };
}

function controlled(task: TaskRow): Reply {
  return { status: task.controlState === 'none' ? 200 : 202, body: presentTask(task) };
}

function common(taskMode: TaskMode, body: z.output<typeof standardTaskBody>): Omit<TaskRequest, 'stopConditions'> {
  return {
    taskMode,
    taskName: body.taskName,
    modelName: body.modelName,
    userId: body.userId ?? null,
    datasetId: body.datasetId,
    validationDatasetId: body.validationDatasetId ?? null,
    testDatasetId: body.testDatasetId ?? null,
    poolDatasetId: body.poolDatasetId ?? null,
    operators: operatorsOf(body.operators ?? {}),
    hyperparameters: body.hyperparameters ?? {},
    seed: body.seed ?? null,
    metric: body.metric ?? null,
    taskType: body.taskType ?? null,
  };
}

const NO_POLICIES = { rule: 'point', plateau: null, budget: null, deadline: null } as const;

function standardRequest({ stopPolicies, ...rest }: z.output<typeof standardTaskBody>): TaskRequest {
  return {
    ...common('STANDARD', rest),
    stopConditions: { maxIterations: 1, performanceThreshold: null, ...NO_POLICIES, ...policies(stopPolicies ?? {}) },
  };
}

function continuousRequest(body: z.output<typeof continuousTaskBody>): TaskRequest {
  const { maxIterations, performanceThreshold, stopPolicies, ...rest } = body;
  return {
    ...common('CONTINUOUS', rest),
    stopConditions: {
      maxIterations,
      performanceThreshold: performanceThreshold ?? null,
      ...NO_POLICIES,
      ...policies(stopPolicies ?? {}),
    },
  };
}

type PoliciesBody = NonNullable<z.output<typeof standardTaskBody>['stopPolicies']>;

/** The named policies in the form the loop uses; null takes one away, absent ones are left out. */
function policies({ plateau, budget, deadline, rule }: PoliciesBody): Partial<StopConditions> {
  return {
    ...(plateau !== undefined && { plateau }),
    ...(budget !== undefined && {
      budget: budget && { wallSeconds: budget.wallSeconds ?? null, trainingSeconds: budget.trainingSeconds ?? null },
    }),
    ...(deadline !== undefined && { deadline: deadline && new Date(deadline).toISOString() }),
    ...(rule !== undefined && { rule }),
  };
}

function stopConditionsChange(body: z.output<typeof stopConditionsBody>): StopConditionsChange {
  const { maxIterations, performanceThreshold, stopPolicies } = body;
  return {
    ...(maxIterations !== undefined && { maxIterations }),
    ...(performanceThreshold !== undefined && { performanceThreshold }),
    ...policies(stopPolicies ?? {}),
  };
}
