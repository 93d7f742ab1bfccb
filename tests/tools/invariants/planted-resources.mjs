// What is held outside the rows: violations of I4, I5 and I9.
import { ago, NOW } from './sound-world.mjs';

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
    'an old object that nothing owns',
    (world) => world.objects.set('models/task_zzzzzzzz/0/s0/w', { size: 1, modifiedAt: NOW - 3_700_000 }),
    /task_zzzzzzzz.*belongs to nothing/,
  ],
  [
    'I5',
    'parts of an upload that nobody swept',
    (world) => world.openUploads.push({ key: 'datasets/1/x/raw', startedAt: NOW - 3_700_000 }),
    /uploaded for more than an hour/,
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
