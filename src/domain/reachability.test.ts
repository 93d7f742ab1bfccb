import fc from 'fast-check';
import { keysNamedBy } from './named-keys';
import {
  reachOf,
  taskGarbage,
  uploadGarbage,
  type NamedByExecution,
  type RetentionRules,
  type TaskNames,
} from './reachability';
import { optimizedDatasetId, ownerOfKey, uploadedDatasetKey } from './storage-keys';

const NOW = new Date('2030-01-31T00:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RULES: RetentionRules = { now: NOW, graceMs: DAY, retentionMs: 7 * DAY };
const ago = (ms: number): Date => new Date(NOW.getTime() - ms);
const LONG_AGO = ago(30 * DAY);
const TASK = 'task_abc';

function execution(overrides: Partial<NamedByExecution>): NamedByExecution {
  return {
    ...{ phase: 'training', iteration: 0, isCompleted: true, outputDatasetId: null, trainKey: null },
    ...{ keys: [], failureKeys: [] },
    ...overrides,
  };
}

const rowsOf = (iteration: number): string => `optimized/${optimizedDatasetId(TASK, iteration, 0)}/`;

/** An optimization as its row names it: its own files, and the split of iteration 0. */
function optimization(iteration: number): NamedByExecution {
  const own = `${rowsOf(iteration)}attempt-1/`;
  return execution({
    ...{ phase: 'optimization', iteration, outputDatasetId: optimizedDatasetId(TASK, iteration, 0) },
    trainKey: `${own}train.parquet`,
    keys: [
      `${own}train.parquet`,
      `${own}recipe.json`,
      `${rowsOf(0)}attempt-1/split.json`,
      `evaluations/${TASK}/sealed/attempt-1/select.parquet`,
    ],
  });
}

const ENDED: TaskNames = {
  endedAt: LONG_AGO,
  currentDatasetId: optimizedDatasetId(TASK, 2, 0),
  championIteration: 1,
  keys: [`evaluations/${TASK}/final/s1/attempt-1/report.json`],
  failureKeys: [],
  executions: [
    ...[0, 1, 2].map(optimization),
    execution({ isCompleted: false, keys: [`models/${TASK}/0/s0/attempt-1/`] }),
    execution({ keys: [`models/${TASK}/0/s1/manifest.json`, `models/${TASK}/0/s1/attempt-2/`] }),
    execution({ phase: 'evaluation', keys: [`evaluations/${TASK}/0/s0/attempt-1/report.json`] }),
  ],
  deletedDatasetIds: [],
};

const reasonIn = (names: TaskNames | null, key: string, modifiedAt = LONG_AGO) =>
  taskGarbage({ key, modifiedAt }, names && reachOf(TASK, names), RULES);

test.each<[string, string | null]>([
  ['models/task_abc/0/s1/manifest.json', null],
  ['models/task_abc/0/s1/attempt-2/weights.safetensors', null],
  ['models/task_abc/0/s1/attempt-2/checkpoint-40/weights.safetensors', 'checkpoint'],
  ['models/task_abc/0/s1/attempt-1/checkpoint-20/manifest.json', 'superseded'],
  ['models/task_abc/0/s1/attempt-1/metrics.jsonl', 'superseded'],
  ['models/task_abc/0/s0/attempt-1/checkpoint-10/weights.safetensors', 'unfinished'],
  ['models/task_abc/1/s0/attempt-1/weights.safetensors', 'unfinished'],
  [`${rowsOf(0)}attempt-1/train.parquet`, 'iteration-rows'],
  [`${rowsOf(0)}attempt-1/label-issues.jsonl`, 'iteration-rows'],
  [`${rowsOf(0)}attempt-1/split.json`, null],
  [`${rowsOf(0)}attempt-1/log.json`, null],
  [`${rowsOf(0)}attempt-1/log.html`, null],
  [`${rowsOf(0)}manifest.json`, null],
  [`${rowsOf(0)}attempt-2/train.parquet`, 'superseded'],
  [`${rowsOf(1)}attempt-1/train.parquet`, null],
  [`${rowsOf(1)}attempt-1/quarantine.jsonl`, null],
  [`${rowsOf(2)}attempt-1/mine.parquet`, null],
  [`optimized/${optimizedDatasetId(TASK, 3, 1)}/attempt-1/train.parquet`, 'unfinished'],
  ['evaluations/task_abc/0/s0/attempt-1/predictions.parquet', null],
  ['evaluations/task_abc/0/s0/manifest.json', null],
  ['evaluations/task_abc/1/s0/attempt-1/report.json', 'unfinished'],
  ['evaluations/task_abc/final/s1/attempt-1/report.json', null],
  ['evaluations/task_abc/final/s0/attempt-1/report.json', 'unfinished'],
  ['evaluations/task_abc/sealed/attempt-1/select.parquet', null],
  ['evaluations/task_abc/sealed/attempt-2/select.parquet', 'superseded'],
  ['evaluations/task_abc/report.json', null],
  ['evaluations/task_abc/report.html', null],
])('of a task that ended long ago: %s', (key, reason) => {
  expect(reasonIn(ENDED, key)).toBe(reason);
  expect(ownerOfKey(key)).toEqual({ kind: 'task', taskId: TASK });
  // Without a row all of it goes, while the task lives nothing, and never what is young.
  expect(reasonIn(null, key)).toBe('no-row');
  expect(reasonIn({ ...ENDED, endedAt: null }, key)).toBeNull();
  expect(reasonIn(null, key, ago(DAY - 1))).toBeNull();
});

test('what only the task had needed waits for the retention time after its end, what a finished job left for the grace time', () => {
  const at = (ms: number, key: string) => reasonIn({ ...ENDED, endedAt: ago(ms) }, key);
  for (const key of [`${rowsOf(0)}attempt-1/train.parquet`, 'models/task_abc/0/s0/attempt-1/weights.safetensors']) {
    expect([at(7 * DAY - 1, key), at(7 * DAY, key)]).toEqual([null, expect.any(String)]);
  }
  const checkpoint = 'models/task_abc/0/s1/attempt-2/checkpoint-40/manifest.json';
  expect([at(DAY - 1, checkpoint), at(DAY, checkpoint)]).toEqual([null, 'checkpoint']);
});

test('the last good checkpoint of a training that diverged stays, as its failure names it', () => {
  const named = 'models/task_abc/0/s0/attempt-1/checkpoint-10/manifest.json';
  const failure = { code: 'TRAINING_DIVERGED', details: { checkpoint: { key: named, sha256: 'a' } } };
  const failed = { ...ENDED, failureKeys: keysNamedBy(failure) };
  expect(reasonIn(failed, named)).toBeNull();
  expect(reasonIn(failed, named.replace('manifest.json', 'optimizer.safetensors'))).toBeNull();
  expect(reasonIn(failed, named.replace('checkpoint-10', 'checkpoint-5'))).toBe('unfinished');
  expect(reasonIn(failed, 'models/task_abc/0/s0/attempt-1/metrics.jsonl')).toBe('unfinished');
});

test('a result that a later segment took over from a lost one is kept where it lies', () => {
  const taken: TaskNames = {
    ...ENDED,
    executions: [
      execution({ isCompleted: false }),
      execution({ keys: [`models/${TASK}/0/s0/manifest.json`, `models/${TASK}/0/s0/attempt-1/`] }),
    ],
  };
  expect(reasonIn(taken, 'models/task_abc/0/s0/attempt-1/weights.safetensors')).toBeNull();
  expect(reasonIn(taken, 'models/task_abc/0/s1/attempt-1/metrics.jsonl')).toBe('unfinished');
});

test('a data set of the champion that its user deleted is no longer kept for it, the split that others name is', () => {
  const deleted = { ...ENDED, deletedDatasetIds: [optimizedDatasetId(TASK, 1, 0)] };
  expect(reasonIn(deleted, `${rowsOf(1)}attempt-1/train.parquet`)).toBe('iteration-rows');
  expect(reasonIn(deleted, `${rowsOf(0)}attempt-1/split.json`)).toBeNull();
});

test('an upload goes when it is deleted and no task needs it any more', () => {
  const object = { key: uploadedDatasetKey(1, 'dataset_x'), modifiedAt: LONG_AGO };
  const use = { deletedAt: LONG_AGO, isUsed: false, lastUsedAt: null };
  expect(uploadGarbage(object, use, RULES)).toBe('deleted-upload');
  expect(uploadGarbage(object, { ...use, deletedAt: null }, RULES)).toBeNull();
  expect(uploadGarbage(object, { ...use, isUsed: true }, RULES)).toBeNull();
  expect(uploadGarbage(object, { ...use, lastUsedAt: ago(7 * DAY - 1) }, RULES)).toBeNull();
  expect(uploadGarbage(object, { ...use, lastUsedAt: ago(7 * DAY) }, RULES)).toBe('deleted-upload');
  expect(uploadGarbage(object, null, RULES)).toBe('no-row');
  expect(uploadGarbage({ ...object, modifiedAt: ago(DAY - 1) }, null, RULES)).toBeNull();
  expect(uploadGarbage({ ...object, modifiedAt: ago(DAY - 1) }, use, RULES)).toBeNull();
});

test.each([
  'other/x',
  'models/readme',
  'datasets/1/x',
  'optimized/dataset_abc/x',
  'evaluations/',
  'datasets/x/dataset_1/raw',
])('%s is none of our names', (key) => expect(ownerOfKey(key)).toBeNull());

test('the names in a result are found wherever they stand, and only references and paths count', () => {
  const result = {
    model: { key: 'a', sha256: '1' },
    modelPath: 'b/',
    nested: [{ rows: { key: 'c', sha256: '2', rows: 3 } }, { evaluationPath: 'd' }],
    slices: [{ key: 'no reference' }],
  };
  expect(keysNamedBy(result).sort()).toEqual(['a', 'b/', 'c', 'd']);
  expect(keysNamedBy(null)).toEqual([]);
});

/** A made-up task: what its jobs wrote, each object with whether anybody may still ask for it, and the rows that name it. */
interface MadeUp {
  names: TaskNames;
  objects: { key: string; reachable: boolean }[];
}

const phasePlan = fc.record({
  segments: fc.integer({ min: 1, max: 3 }),
  attempts: fc.integer({ min: 1, max: 3 }),
  winner: fc.integer({ min: 1, max: 3 }),
  succeeds: fc.boolean(),
  takesOver: fc.boolean(),
});
type PhasePlan = typeof phasePlan extends fc.Arbitrary<infer Plan> ? Plan : never;

const FILES = {
  optimization: ['train.parquet', 'mine.parquet', 'recipe.json', 'quarantine.jsonl', 'log.json', 'log.html'],
  training: [
    'weights.safetensors',
    'metrics.jsonl',
    'checkpoint-10/manifest.json',
    'checkpoint-10/weights.safetensors',
  ],
  evaluation: ['report.json', 'predictions.parquet', 'improvements.json'],
} as const;
const PHASES = ['optimization', 'training', 'evaluation'] as const;

function prefixOf(phase: (typeof PHASES)[number], iteration: number, segment: number): string {
  if (phase === 'optimization') return `optimized/${optimizedDatasetId(TASK, iteration, segment)}/`;
  return `${phase === 'training' ? 'models' : 'evaluations'}/${TASK}/${iteration}/s${segment}/`;
}

const madeUp: fc.Arbitrary<MadeUp> = fc
  .record({
    iterations: fc.array(fc.tuple(phasePlan, phasePlan, phasePlan), { minLength: 1, maxLength: 4 }),
    champion: fc.integer({ min: 0, max: 3 }),
    live: fc.boolean(),
  })
  .map(({ iterations, champion, live }) => {
    const executions: NamedByExecution[] = [];
    const objects: MadeUp['objects'] = ['report.json', 'report.html'].map((file) => ({
      key: `evaluations/${TASK}/${file}`,
      reachable: true,
    }));
    let ends = false;
    let currentDatasetId: string | null = null;
    const rowsToReach: (() => void)[] = [];
    iterations.forEach((plans, iteration) =>
      PHASES.forEach((phase, index) => {
        if (ends) return;
        const plan = plans[index] as PhasePlan;
        const last = plan.segments - 1;
        const home = plan.succeeds && plan.takesOver && last > 0 ? last - 1 : last;
        for (let segment = 0; segment <= last; segment += 1) {
          const prefix = prefixOf(phase, iteration, segment);
          const winner = Math.min(plan.winner, plan.attempts);
          for (let attempt = 1; attempt <= plan.attempts; attempt += 1) {
            for (const file of FILES[phase]) {
              const won = plan.succeeds && segment === home && attempt === winner;
              const entry = { key: `${prefix}attempt-${attempt}/${file}`, reachable: false };
              objects.push(entry);
              if (!won) continue;
              entry.reachable = phase === 'optimization' ? file.startsWith('log.') : !file.startsWith('checkpoint');
              const datasetId = optimizedDatasetId(TASK, iteration, last);
              // The champion's rows and the last ones are reached too; which are the last is known at the end.
              if (phase === 'optimization')
                rowsToReach.push(() => (entry.reachable ||= iteration === champion || datasetId === currentDatasetId));
            }
          }
          const completed = plan.succeeds && segment === last;
          const own = `${prefixOf(phase, iteration, home)}attempt-${winner}/`;
          if (plan.succeeds && segment === home) objects.push({ key: `${prefix}manifest.json`, reachable: true });
          executions.push(
            execution({
              ...{ phase, iteration, isCompleted: completed },
              outputDatasetId: completed && phase === 'optimization' ? optimizedDatasetId(TASK, iteration, last) : null,
              trainKey: completed && phase === 'optimization' ? `${own}train.parquet` : null,
              keys: completed
                ? phase === 'training'
                  ? [own, `${prefixOf(phase, iteration, home)}manifest.json`]
                  : [`${own}${FILES[phase][0]}`, `${own}${FILES[phase][2]}`]
                : [],
            }),
          );
          if (completed && phase === 'optimization') currentDatasetId = optimizedDatasetId(TASK, iteration, last);
        }
        ends ||= !plan.succeeds;
      }),
    );
    rowsToReach.forEach((settle) => settle());
    const names: TaskNames = {
      ...{ endedAt: live ? null : LONG_AGO, currentDatasetId, championIteration: champion, executions },
      ...{ keys: [], failureKeys: [], deletedDatasetIds: [] },
    };
    return { names, objects: live ? objects.map(({ key }) => ({ key, reachable: true })) : objects };
  });

test('whatever a task did, nothing reachable is garbage, and all that is unreachable and old is', () => {
  fc.assert(
    fc.property(madeUp, fc.boolean(), ({ names, objects }, young) => {
      const reach = reachOf(TASK, names);
      for (const { key, reachable } of objects) {
        const reason = taskGarbage({ key, modifiedAt: young ? ago(HOUR) : LONG_AGO }, reach, RULES);
        if ((reason === null) !== (reachable || young)) throw new Error(`${key}: ${reason}, reachable ${reachable}`);
      }
    }),
    { numRuns: 500 },
  );
});
