// Work that is done again: violations of I10.
import { NOW } from './sound-world.mjs';

/** @type {[id: string, what: string, plant: (world: any) => void, evidence: RegExp][]} */
export const REPEATS = [
  [
    'I10',
    'a job that was started again for no reason',
    (world) => (world.jobs[0].attempt = 2),
    /task_aaaaaaaa\/0\/training, segment 0, was started 2 times; reasons: 0/,
  ],
  [
    'I10',
    'a second segment for no reason',
    (world) => world.jobs.push({ ...world.jobs[1], jobId: 'job_2', segment: 1 }),
    /task_bbbbbbbb\/0\/training was given as segment 1 after 0 \(succeeded\) for no reason/,
  ],
  [
    'I10',
    'a job that was started again after a fault of another service',
    (world) => {
      world.jobs[0].attempt = 2;
      for (const target of [
        'optimizer',
        'job of evaluator',
        'api',
        'optimizer→s3 timeout',
        'worker→evaluator timeout',
        'evaluator nofile',
      ])
        world.faults.push({ at: NOW - 35_000, target });
    },
    /task_aaaaaaaa\/0\/training, segment 0, was started 2 times; reasons: 0/,
  ],
  [
    'I10',
    'a job that was started again after another job of its service was killed',
    (world) => {
      world.jobs[0].attempt = 2;
      world.faults.push({ at: NOW - 35_000, target: 'job of trainer', job: 'job_other' });
    },
    /started 2 times; reasons: 0/,
  ],
  [
    'I10',
    'a job that was started twice more after one kill',
    (world) => {
      world.jobs[0].attempt = 3;
      world.faults.push({ at: NOW - 35_000, target: 'trainer' });
    },
    /started 3 times; reasons: 1/,
  ],
  [
    'I10',
    'a job that was started again before it was killed',
    (world) => {
      world.jobs[0].attempt = 2;
      world.faults.push({ at: NOW - 27_000, target: 'trainer' });
    },
    /started 2 times; reasons: 0/,
  ],
  [
    'I10',
    'a segment that came before the kill',
    (world) => {
      world.jobs.push({ ...world.jobs[0], jobId: 'job_2', segment: 1, createdAt: NOW - 30_000 });
      world.faults.push({ at: NOW - 27_000, target: 'worker' });
    },
    /given as segment 1 after 0 \(succeeded\) for no reason/,
  ],
  [
    'I10',
    'a job that was started again after its connections were whole',
    (world) => {
      world.jobs[0].attempt = 2;
      world.faults.push({ at: NOW - 90_000, target: 'trainer→s3 timeout' }, { at: NOW - 70_000, target: 'healed' });
    },
    /started 2 times; reasons: 0/,
  ],
  [
    'I10',
    'a segment after a pause of another task',
    (world) => {
      world.jobs.push({ ...world.jobs[0], jobId: 'job_2', segment: 1, createdAt: NOW - 30_000 });
      world.decisions.push({ taskId: 'task_bbbbbbbb', kind: 'pause', at: NOW - 35_000 });
    },
    /segment 1 after 0/,
  ],
  [
    'I10',
    'a segment after a paused one that nobody had paused',
    (world) => {
      world.jobs[0].state = 'paused';
      world.jobs.push({ ...world.jobs[0], jobId: 'job_2', segment: 1, state: 'succeeded', createdAt: NOW - 30_000 });
    },
    /segment 1 after 0 \(paused\)/,
  ],
];
