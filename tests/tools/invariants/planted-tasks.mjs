// What the rows of tasks say: violations of I2, I3, I6, I8 and I11.
import { ago } from './sound-world.mjs';

/** @type {[id: string, what: string, plant: (world: any) => void, evidence: RegExp][]} */
export const TASKS = [
  [
    'I2',
    'a step that the table does not have',
    (world) => {
      world.events.splice(1, 1);
      world.events[1].payload.from = 'OPTIMIZING';
    },
    /task_aaaaaaaa at 4 went from OPTIMIZING to EVALUATING/,
  ],
  ['I2', 'a gap between two events', (world) => world.events.splice(1, 1), /comes from TRAINING, but was OPTIMIZING/],
  [
    'I2',
    'a life after the end',
    (world) => {
      world.events.push({ ...world.events[3], id: 99, seq: 6, payload: { from: 'COMPLETED', status: 'FAILED' } });
    },
    /went from COMPLETED to FAILED/,
  ],
  [
    'I2',
    'a row that says other than its events',
    (world) => (world.tasks[0].status = 'FAILED'),
    /is FAILED, its events end with COMPLETED/,
  ],
  [
    'I3',
    'a phase with two accepted segments',
    (world) => world.executions.push({ ...world.executions[1], segment: 1 }),
    /task_aaaaaaaa\/0\/training was accepted in the segments 0 and 1/,
  ],
  [
    'I3',
    'a completed task without an evaluation',
    (world) => world.executions.splice(2, 1),
    /0\/evaluation has no accepted output/,
  ],
  [
    'I3',
    'an accepted output whose object is gone',
    (world) => world.objects.delete('models/task_bbbbbbbb/0/s0/manifest.json'),
    /names models\/task_bbbbbbbb.*not there/,
  ],
  ['I6', 'a transition that was not told', (world) => (world.tasks[0].seq = 6), /is at 6, its events end at 5/],
  [
    'I6',
    'events in the wrong order',
    (world) => {
      [world.events[0].seq, world.events[1].seq] = [3, 2];
    },
    /told 2 after 3/,
  ],
  [
    'I6',
    'a transition that was told twice',
    (world) => world.events.push({ ...world.events[3], id: 99 }),
    /told 5 twice/,
  ],
  ['I8', 'a task that hangs', (world) => (world.tasks[0].status = 'TRAINING'), /task_aaaaaaaa is TRAINING/],
  ['I8', 'a start that nobody carried out', (world) => (world.tasks[0].status = 'PENDING'), /task_aaaaaaaa is PENDING/],
  [
    'I8',
    'a resume that never comes through',
    (world) => Object.assign(world.tasks[0], { status: 'SUSPENDED', controlState: 'resuming' }),
    /SUSPENDED, resuming/,
  ],
  [
    'I11',
    'other weights than the run of the same seed',
    (world) => (world.executions[1].weightsSha256 = 'cafe'),
    /training: cafe in task_aaaaaaaa; beef in task_bbbbbbbb/,
  ],
  ['I11', 'another score', (world) => (world.executions[2].score = 0.7), /evaluation: 0\.7 in task_aaaaaaaa; 0\.75/],
  [
    'I3',
    'a model that is gone though retention never takes models',
    (world) => {
      const key = 'models/task_bbbbbbbb/0/s0/manifest.json';
      world.objects.delete(key);
      Object.assign(world.datasets[1], { storagePath: key, collectedAt: ago(120) });
    },
    /names models\/task_bbbbbbbb.*not there/,
  ],
  [
    'I3',
    'rows that are gone of a data set that was not collected',
    (world) => {
      world.executions[0].keys = ['optimized/o/s0/attempt-1/train.parquet'];
      world.datasets.push({
        ...world.datasets[0],
        storagePath: 'optimized/other/manifest.json',
        collectedAt: ago(120),
      });
    },
    /0\/optimization names optimized\/o\/s0/,
  ],
];
