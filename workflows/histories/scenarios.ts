/**
 * What the recorded histories are examples of: each mode, each phase, each course that it may take, and walks that string courses
 * together at random, by a seed. Names are stable, so that a new recording differs only where the workflows do.
 */
import { MESSAGE_NAMES, type TaskMode, type TaskSpec } from '../../src/contracts/task-workflow';
import { pauseTask, resumeTask, updateHyperparameters, updateStopConditions } from '../../src/temporal/control-task';
import { gate } from '../../src/testing/gate';
import { taskSpec } from '../../src/testing/job-results';
import type { ScriptedPhase, TaskHarness } from '../../src/testing/task-harness';
import { until } from '../../src/testing/until';
import { COURSES, type Course } from './courses';

export interface Scenario {
  name: string;
  /** The ways in which its workflow may end: COMPLETED, CANCELLED, or the type of its failure. */
  ends: readonly string[];
  /** Starts a task and sees it to its end. Answers with its id. */
  play: (harness: TaskHarness) => Promise<string>;
}

const MODES = ['STANDARD', 'CONTINUOUS'] as const;
const COMPLETED = 'COMPLETED';
const PHASES = ['optimization', 'training', 'evaluation', 'final'] as const;

function spec(name: string, mode: TaskMode, overrides: Partial<TaskSpec> = {}): TaskSpec {
  const task = taskSpec({ taskId: `task_${name.replaceAll('-', '_').toLowerCase()}`, mode, ...overrides });
  return { ...task, stopConditions: { ...task.stopConditions, maxIterations: 2 } };
}

/** One course of one phase; in a loop, of one of its two iterations. */
function inPhase(mode: TaskMode, phase: ScriptedPhase, iteration: number, courseName: string, course: Course): Scenario {
  const name = `${mode}-${phase}-${iteration}-${courseName}`.toLowerCase();
  return {
    name,
    ends: [course.ends ?? COMPLETED],
    play: async (harness) => {
      const task = spec(name, mode);
      const { taskId } = task;
      const begun = gate();
      const free = gate();
      const script = async ({ segment }: { segment: number }) => {
        begun.open();
        if (course.act) await harness.orEnd(free.opened);
        course.job?.(segment);
      };
      harness.script(taskId, phase, script, phase === 'final' ? undefined : iteration);
      await harness.start(task);
      await begun.opened;
      await course.act?.({ harness, taskId, phase, go: () => free.open() });
      if (course.act && !course.ends) free.open();
      await harness.outcome(taskId);
      return taskId;
    },
  };
}

function coursesOfPhases(): Scenario[] {
  return MODES.flatMap((mode) =>
    PHASES.flatMap((phase) =>
      (mode === 'STANDARD' || phase === 'final' ? [0] : [0, 1]).flatMap((iteration) =>
        Object.entries(COURSES).map(([name, course]) => inPhase(mode, phase, iteration, name, course)),
      ),
    ),
  );
}

/** Loops that end by each rule, keep their champion, are edited while they run, or go without a sealed test. */
function wholeTasks(): Scenario[] {
  const loop = (name: string, conditions: Partial<TaskSpec['stopConditions']>, scores: number[] = []): Scenario => ({
    name,
    ends: [COMPLETED],
    play: async (harness) => {
      const task = spec(name, 'CONTINUOUS');
      harness.scores.set(task.taskId, scores);
      await harness.start({ ...task, stopConditions: { ...task.stopConditions, ...conditions } });
      await harness.outcome(task.taskId);
      return task.taskId;
    },
  });
  return [
    ...MODES.map(
      (mode): Scenario => ({
        name: `${mode.toLowerCase()}-without-test`,
        ends: [COMPLETED],
        play: async (harness) => {
          const task = spec(`${mode}-without-test`, mode, { test: null });
          await harness.start(task);
          await harness.outcome(task.taskId);
          return task.taskId;
        },
      }),
    ),
    loop('loop-target', { maxIterations: 5, performanceThreshold: 0.6 }),
    loop('loop-plateau', { maxIterations: 5, plateau: { patience: 2, minimumGain: 0.01 } }, [0.6, 0.5, 0.55]),
    loop('loop-deadline', { maxIterations: 5, deadline: '2020-01-01T00:00:00.000Z' }),
    loop('loop-budget', { maxIterations: 5, budget: { wallSeconds: null, trainingSeconds: 4 } }),
    loop('loop-long', { maxIterations: 12 }),
    {
      name: 'loop-edited',
      ends: [COMPLETED],
      play: async (harness) => {
        const task = spec('loop-edited', 'CONTINUOUS');
        const training = harness.hold(task.taskId, 'training', 1);
        await harness.start(task);
        await training.reached;
        await updateStopConditions(harness.temporal.client, task.taskId, { maxIterations: 4 });
        training.letGo();
        await harness.outcome(task.taskId);
        return task.taskId;
      },
    },
    ...MODES.map(
      (mode): Scenario => ({
        name: `${mode.toLowerCase()}-paused-into-a-final-test`,
        ends: [COMPLETED],
        play: async (harness) => {
          const task = spec(`${mode}-paused-into-a-final-test`, mode);
          await harness.startSuspended(task, { finishing: true, status: 'EVALUATING', suspension: null });
          await harness.reaches(task.taskId, 'SUSPENDED');
          await resumeTask(harness.temporal.client, task.taskId);
          await harness.outcome(task.taskId);
          return task.taskId;
        },
      }),
    ),
    {
      name: 'edited-into-another-run',
      ends: [COMPLETED],
      play: async (harness) => {
        const task = spec('edited-into-another-run', 'CONTINUOUS');
        const { client } = harness.temporal;
        const job = harness.hold(task.taskId, 'training', 0);
        await harness.start(task);
        await job.reached;
        const run = async () => (await harness.handle(task.taskId).describe()).runId;
        const working = await run();
        await pauseTask(client, task.taskId);
        await until('the run that waits', async () => (await run()) !== working);
        const first = await run();
        const noted = () => harness.decisions(task.taskId).filter((kind) => kind === 'edit-hyperparameters').length;
        for (let edit = 1; (await run()) === first; edit += 1) {
          await updateHyperparameters(client, task.taskId, { hyperparameters: { checkpoint_interval_seconds: edit } });
          // A run leaves when nothing is left to write.
          await until('the edit to be noted', () => noted() === edit);
        }
        job.letGo();
        await resumeTask(client, task.taskId);
        await harness.outcome(task.taskId);
        return task.taskId;
      },
    },
    {
      name: 'paused-before-it-began',
      ends: [COMPLETED],
      play: async (harness) => {
        const task = spec('paused-before-it-began', 'STANDARD');
        await harness.handle(await harness.start(task).then(() => task.taskId)).signal(MESSAGE_NAMES.pause);
        await harness.hasBeen(task.taskId, 'SUSPENDED');
        await resumeTask(harness.temporal.client, task.taskId);
        await harness.outcome(task.taskId);
        return task.taskId;
      },
    },
  ];
}

const WALKS = 160;
/** What a walk may do to a job without ending the task. */
const STEPS = ['completed', 'completed', 'paused', 'paused-by-signal', 'paused-while-lost', 'pause-called-off'] as const;
const LAST_STEPS = ['completed', 'cancelled', 'paused-then-cancelled', 'failed-by-operator'] as const;

/** A small linear congruential generator (Numerical Recipes): the same walk for the same seed, in any run. */
function draws(seed: number): <Choice>(choices: readonly Choice[]) => Choice {
  let state = seed;
  return (choices) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return choices[Math.floor((state / 2 ** 32) * choices.length)] as (typeof choices)[number];
  };
}

/** A loop of up to three iterations in which something may happen to each job, and that may end by somebody's wish. */
function walk(seed: number): Scenario {
  const name = `walk-${seed}`;
  return {
    name,
    ends: [COMPLETED, ...LAST_STEPS.flatMap((step) => COURSES[step]?.ends ?? [])],
    play: async (harness) => {
      const draw = draws(seed);
      const task = spec(name, draw(MODES));
      task.stopConditions.maxIterations = draw([1, 2, 3]);
      const { taskId } = task;
      const lastJob = draw([2, 3, 4, 5, 6, 99]);
      let jobs = 0;
      for (const phase of PHASES) {
        harness.script(taskId, phase, async ({ segment }) => {
          if (segment > 0) return;
          jobs += 1;
          const course = COURSES[jobs === lastJob ? draw(LAST_STEPS) : draw(STEPS)];
          if (!course?.act) return;
          const free = gate();
          const acted = course.act({ harness, taskId, phase, go: () => free.open() }).then(() => free.open());
          // A pause that comes to the last job of a task that is over meanwhile finds nobody.
          acted.catch(() => undefined);
          await harness.orEnd(free.opened);
        });
      }
      await harness.start(task);
      await harness.outcome(taskId);
      return taskId;
    },
  };
}

export const SCENARIOS: readonly Scenario[] = [
  ...coursesOfPhases(),
  ...wholeTasks(),
  ...Array.from({ length: WALKS }, (_, seed) => walk(seed)),
];
