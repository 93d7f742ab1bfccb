// What is held outside the rows: violations of I4, I5 and I9.
import { ago, HOUR_MS, NOW } from './sound-world.mjs';

/** @type {[id: string, what: string, plant: (world: any) => void, evidence: RegExp][]} */
export const RESOURCES = [
  [
    'I4',
    'a job that runs for a task that is over',
    (world) => {
      world.jobs[0].state = 'running';
      world.jobs[0].finishedAt = null;
    },
    /trainer has job_task_aaaaaaaa running for task_aaaaaaaa/,
  ],
  [
    'I4',
    'a process of a job that is over',
    (world) => world.processes.push({ pid: 77, service: 'trainer', folder: 'job_task_aaaaaaaa' }),
    /process 77 of the trainer/,
  ],
  [
    'I4',
    'a process of a job that nobody knows',
    (world) => world.processes.push({ pid: 78, service: 'trainer', folder: 'job_x' }),
    /process 78 .* over or unknown/,
  ],
  [
    'I4',
    'an upload that stays open',
    (world) => world.openUploads.push({ key: 'models/task_aaaaaaaa/0/s0/attempt-1/w', startedAt: NOW - 60_000 }),
    /still being uploaded/,
  ],
  [
    'I4',
    'an upload of the optimizer that stays open, whose key has the task’s id in another form',
    (world) => world.openUploads.push({ key: 'optimized/dataset_aaaaaaaa_i0/s0/attempt-1/r', startedAt: NOW - 60_000 }),
    /optimized\/dataset_aaaaaaaa_i0\/.* still being uploaded, and its task rests/,
  ],
  [
    'I5',
    'a data set without its object',
    (world) => world.objects.delete('datasets/1/dataset_aaaaaaaa/raw'),
    /dataset_aaaaaaaa: .* is not there/,
  ],
  [
    'I5',
    'an object that is cut short',
    (world) => (world.objects.get('datasets/1/dataset_aaaaaaaa/raw').size = 9),
    /has 9 bytes, not 10/,
  ],
  [
    'I5',
    'an object with other bytes',
    (world) => world.hashes.set('datasets/1/dataset_aaaaaaaa/raw', 'dead'),
    /has the sha256 dead/,
  ],
  [
    'I5',
    'an object that nothing owns and retention should have taken',
    (world) => world.objects.set('models/task_zzzzzzzz/0/s0/w', { size: 1, modifiedAt: NOW - 26.1 * HOUR_MS }),
    /task_zzzzzzzz.*belongs to nothing, for more than 26 h/,
  ],
  [
    'I5',
    'rows of a task that nobody knows',
    (world) =>
      world.objects.set('optimized/dataset_zzzzzzzz_i3_s1/s1/attempt-1/r', {
        size: 1,
        modifiedAt: NOW - 26.1 * HOUR_MS,
      }),
    /dataset_zzzzzzzz_i3_s1.*belongs to nothing/,
  ],
  [
    'I5',
    'parts of an upload that the API should have swept',
    (world) => world.openUploads.push({ key: 'datasets/1/x/raw', startedAt: NOW - 25.1 * HOUR_MS }),
    /datasets\/1\/x\/raw is being uploaded for more than 25 h/,
  ],
  [
    'I5',
    'parts that a service left of a task that has ended',
    (world) => world.openUploads.push({ key: 'models/task_aaaaaaaa/0/s0/w', startedAt: NOW - 2.1 * HOUR_MS }),
    /models\/task_aaaaaaaa.* is being uploaded for more than 2 h/,
  ],
  [
    'I5',
    'parts of a task that works for longer than any of its uploads',
    (world) => {
      world.tasks[0].status = 'TRAINING';
      world.openUploads.push({ key: 'models/task_aaaaaaaa/0/s0/w', startedAt: NOW - 27.1 * HOUR_MS });
    },
    /models\/task_aaaaaaaa.* is being uploaded for more than 27 h/,
  ],
  ['I9', 'a history of many events', (world) => (world.runs[0].events = 2049), /has 2049 events/],
  ['I9', 'a history of many bytes', (world) => (world.runs[1].bytes = 3_000_000), /3000000 bytes/],
  [
    'I5',
    'bytes that retention has said are gone',
    (world) => (world.datasets[0].collectedAt = ago(120)),
    /dataset_aaaaaaaa: .* is there, and retention has said that it is gone/,
  ],
  [
    'I5',
    'bytes of a deleted data set that retention has said are gone',
    (world) => Object.assign(world.datasets[0], { isDeleted: true, collectedAt: ago(120) }),
    /retention has said/,
  ],
];
