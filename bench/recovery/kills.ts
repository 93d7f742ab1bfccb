/**
 * How long a task stands still, as its user sees it, when a process of the stack is killed with SIGKILL: a training until the API shows a
 * step that it had not shown before; an optimization and an evaluation, which show no steps, until another process works for the job.
 * And what is done twice: steps that were taken before the kill and are taken again, by the trainer's own files; it holds back up to a
 * hundred lines, so that as many more may have been.
 */
import {
  continuedSteps,
  jobPids,
  latency,
  People,
  processId,
  sleep,
  stepOf,
  stepTaken,
  TRAINING_STEPS,
  untilHolds,
  type StackPlace,
} from './people';

/** Longer than a process must have run for its next restart to be quick (`tools/stack/managed-process.mjs`): one death is measured, not a series. */
const RESTED_MS = 12_000;

/** As often as a page would hardly ask; every few milliseconds it would take a core of the two from what starts again. */
const ASKED_EVERY_MS = 50;

const TARGETS = ['api', 'worker', 'optimizer', 'trainer', 'evaluator', 'temporal', 'postgres', 's3'] as const;
/** Services that are killed in their own phase, which shows no steps. */
const WITHOUT_STEPS = ['optimizer', 'evaluator'] as const;

export interface KillFigures {
  standsStillMs: ReturnType<typeof latency>;
  /** Steps taken again, as a share of all steps of the trainings. */
  repeatedSteps: number;
  /** Trainings that ended with the weights and the score of the undisturbed one. */
  identical: number;
}

/** Kills each process once in each of so many tasks. */
export async function measureKills(
  place: StackPlace,
  trainings: number,
  log: (line: string) => void,
): Promise<Record<string, KillFigures>> {
  const people = await People.open(place);
  const alone = await people.start();
  await people.when(alone, ({ status }) => status === 'COMPLETED');
  const undisturbed = await people.outcome(alone);
  const figures: Record<string, KillFigures> = {};
  for (const target of TARGETS) {
    const still: number[] = [];
    let [repeated, identical] = [0, 0];
    for (let training = 0; training < trainings; training += 1) {
      const taskId = await people.start();
      const service = WITHOUT_STEPS.find((name) => name === target);
      const before = service ? await working(place, service) : [];
      const shown = service ? 0 : await shownStep(people, taskId);
      const pid = processId(place, target);
      if (pid === undefined) throw new Error(`${target} does not run`);
      process.kill(pid, 'SIGKILL');
      const killedAt = performance.now();
      const taken = service ? 0 : Math.max(shown, stepTaken(place));
      const goesOn = service
        ? () => jobPids(place, service).some((worker) => !before.includes(worker))
        : () => wentOn(people, taskId, shown);
      still.push(await untilHolds(`the task to go on after ${target} was killed`, goesOn, ASKED_EVERY_MS));
      await people.when(taskId, ({ status }) => status === 'COMPLETED');
      for (const step of continuedSteps(place, taskId)) repeated += Math.max(0, taken - step);
      if ((await people.outcome(taskId)) === undisturbed) identical += 1;
      await untilHolds(`${target} to run again`, () => processId(place, target) !== undefined);
      await sleep(Math.max(1000, RESTED_MS - (performance.now() - killedAt)));
    }
    figures[target] = {
      standsStillMs: latency(still),
      repeatedSteps: Number((repeated / (trainings * TRAINING_STEPS)).toFixed(4)),
      identical,
    };
    log(`${target}: ${JSON.stringify(figures[target])}`);
  }
  return figures;
}

/** The step that the API shows of a training which has come some way. */
async function shownStep(people: People, taskId: string): Promise<number> {
  await people.training(taskId, 300 + Math.floor(Math.random() * 1000));
  return stepOf(await people.task(taskId));
}

/** The processes that work for the service's job, as soon as there are any. */
async function working(place: StackPlace, service: string): Promise<string[]> {
  await untilHolds(`the ${service} to work`, () => jobPids(place, service).length > 0, ASKED_EVERY_MS);
  return jobPids(place, service);
}

async function wentOn(people: People, taskId: string, shown: number): Promise<boolean> {
  const task = await people.task(taskId).catch(() => null);
  return task !== null && (task.status !== 'TRAINING' || stepOf(task) > shown);
}
