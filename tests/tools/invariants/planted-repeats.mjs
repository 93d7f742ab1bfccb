// Work that is done again: violations of I10. The first job ran from 40 to 30 s ago.
import { NOW } from './sound-world.mjs';

const AGAIN = /task_aaaaaaaa\/0\/training, segment 0, was started 2 times, once without a reason of its own/;
const NEXT = /task_aaaaaaaa\/0\/training was given as segment 1 after 0 \(\w+\), once without a reason of its own/;

/** Another attempt of the first job, with faults so many milliseconds ago. */
const again = (targets, ago = 35_000) => [
  (world) => {
    world.jobs[0].attempt = 2;
    for (const target of targets) world.faults.push({ at: NOW - ago, target });
  },
  AGAIN,
];

/** The next segment of the first job, 28 s ago. */
export function nextSegment(world, changes = {}) {
  const { createdAt, ...rest } = { createdAt: NOW - 28_000, ...changes };
  world.jobs.push({ ...world.jobs[0], jobId: 'job_2', segment: 1, createdAt, startedAt: createdAt, ...rest });
}

const next = (plant) => [
  (world) => {
    nextSegment(world);
    plant(world);
  },
  NEXT,
];

const faultsAt = (world, ...faults) => world.faults.push(...faults.map(([ago, target]) => ({ at: NOW - ago, target })));

/** @type {[id: string, what: string, plant: (world: any) => void, evidence: RegExp][]} */
export const REPEATS = [
  ['I10', 'a job that was started again for no reason', ...again([])],
  ['I10', 'a second segment for no reason', ...next(() => {})],
  [
    'I10',
    'a job that was started again after a fault of another service',
    ...again([
      ...['optimizer', 'job of evaluator', 'api', 'evaluator nofile'],
      ...['optimizer→s3 timeout', 'worker→evaluator timeout'],
    ]),
  ],
  ...[
    'worker',
    'temporal',
    'postgres',
    'worker→temporal timeout',
    'worker→postgres cut',
    'temporal→postgres cut',
  ].flatMap((target) => [
    ['I10', `a job that was started again, and not found again, after a fault of ${target}`, ...again([target])],
    ['I10', `a segment after a fault of ${target}`, ...next((world) => faultsAt(world, [35_000, target]))],
  ]),
  ...['s3', 'trainer→s3 timeout', 'worker→trainer cut'].map((target) => [
    'I10',
    `an attempt after a fault of ${target}, which ends a job but no process`,
    ...again([target]),
  ]),
  [
    'I10',
    'a job that was started again after another job of its service was killed',
    (world) => {
      world.jobs[0].attempt = 2;
      world.faults.push({ at: NOW - 35_000, target: 'job of trainer', job: 'job_other' });
    },
    AGAIN,
  ],
  [
    'I10',
    'a job that was started twice more after one kill',
    (world) => {
      world.jobs[0].attempt = 3;
      faultsAt(world, [35_000, 'trainer']);
    },
    /started 3 times, once without a reason of its own/,
  ],
  [
    'I10',
    'another attempt and another segment after one kill',
    (world) => {
      world.jobs[0].attempt = 2;
      nextSegment(world);
      faultsAt(world, [35_000, 'trainer']);
    },
    NEXT,
  ],
  [
    'I10',
    'two segments after one pause',
    (world) => {
      nextSegment(world, { state: 'paused', finishedAt: NOW - 25_000 });
      nextSegment(world, { jobId: 'job_3', segment: 2, createdAt: NOW - 24_000 });
      world.decisions.push({ taskId: 'task_aaaaaaaa', kind: 'pause', at: NOW - 31_000 });
    },
    /segment 2 after 1 \(paused\), once without/,
  ],
  ['I10', 'a job that was started again before its service was killed', ...again(['trainer'], 27_000)],
  ['I10', 'a job that was started again seconds after its service was killed', ...again(['trainer'], 45_000)],
  ['I10', 'a job that was started again long after its service was back', ...again(['trainer'], 50_000)],
  ['I10', 'a segment that came before the kill', ...next((world) => faultsAt(world, [27_000, 's3']))],
  ['I10', 'a segment long after the object store was back', ...next((world) => faultsAt(world, [60_000, 's3']))],
  [
    'I10',
    'a segment after connections that were whole again before the job',
    ...next((world) => faultsAt(world, [90_000, 'trainer→s3 timeout'], [70_000, 'healed'])),
  ],
  [
    'I10',
    'a segment after a pause of another task',
    ...next((world) => world.decisions.push({ taskId: 'task_bbbbbbbb', kind: 'pause', at: NOW - 35_000 })),
  ],
  ...['resume', 'cancel', 'fail'].map((kind) => [
    'I10',
    `a segment after a ${kind}, which begins nothing that a pause had not ended`,
    ...next((world) => world.decisions.push({ taskId: 'task_aaaaaaaa', kind, at: NOW - 35_000 })),
  ]),
  ['I10', 'a segment after a paused one that nobody had paused', ...next((world) => (world.jobs[0].state = 'paused'))],
  [
    'I10',
    'a segment after one that its service does not know, though nothing has taken its store',
    (world) => {
      world.jobs[0].segment = 1;
      world.decisions = [];
    },
    /given as segment 1 after one that the trainer does not know, once without/,
  ],
];
