/** What services would answer, well-formed and small, for any request. Tests override what they care about. */
import { createHash } from 'node:crypto';
import type {
  Comparison,
  EvaluateRequest,
  EvaluateResult,
  FileReading,
  ObjectRef,
  OptimizeRequest,
  OptimizeResult,
  TrainRequest,
  TrainResult,
  TeacherReport,
  Trial,
} from '../contracts/jobs';
import type { TaskSpec } from '../contracts/task-workflow';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A reference to an object that need not exist. */
export const objectRef = (key: string): ObjectRef => ({ key, sha256: sha256(key) });

const rowsRef = (key: string, rows: number) => ({ ...objectRef(key), rows });

/** How the training file of these results was read. */
export const TRAINING_FILE: FileReading = {
  file: 'training',
  format: 'csv',
  header: true,
  input: ['text'],
  output: 'label',
  rows: 120,
  setAside: 10,
  notes: ["delimiter ','"],
};

export function optimizeResult(request: OptimizeRequest, overrides: Partial<OptimizeResult> = {}): OptimizeResult {
  const { outputPrefix: prefix } = request;
  const sealed = sealedFolder(request);
  return {
    manifest: objectRef(`${prefix}manifest.json`),
    taskType: 'classification',
    train: rowsRef(`${prefix}attempt-1/train.parquet`, 80),
    mine: rowsRef(`${prefix}attempt-1/mine.parquet`, 10),
    pool: null,
    select: rowsRef(`${sealed}select.parquet`, 20),
    test: request.test ? rowsRef(`${sealed}test.parquet`, 30) : null,
    split: request.split ?? objectRef(`${prefix}attempt-1/split.json`),
    recipe: objectRef(`${prefix}attempt-1/recipe.json`),
    log: objectRef(`${prefix}attempt-1/log.json`),
    labelCount: 3,
    steps: [{ name: 'parse', rowsIn: 120, rowsOut: 110, removed: { unreadable: 10 }, seconds: 0.1 }],
    leakage: { exactOverlaps: 2, nearOverlaps: 1, paraphrases: null },
    labelIssues: { flagged: 3, quarantined: 1 },
    rowsBySource: request.feedback ? { original: 68, augment: 12 } : { original: 80 },
    applied: request.feedback ? [{ id: 'imp-1', kind: 'augment', slice: 'label = rare', rows: 12 }] : [],
    files: request.iteration === 0 ? [TRAINING_FILE] : [],
    seconds: 0.4,
    ...overrides,
  };
}

/** Where the segment that made the split, this one or one before, has put the rows that it holds out. */
function sealedFolder({ split, sealedPrefix }: OptimizeRequest): string {
  const [, segment] = /_i0_s(\d+)\//.exec(split?.key ?? '') ?? [];
  return `${sealedPrefix}${segment ? `s${segment}/` : ''}attempt-1/`;
}

export function trainResult(request: TrainRequest, overrides: Partial<TrainResult> = {}): TrainResult {
  return {
    model: objectRef(`${request.outputPrefix}manifest.json`),
    modelPath: `${request.outputPrefix}attempt-1/`,
    weightsSha256: sha256(request.jobKey),
    parameters: 1000,
    steps: 10,
    epochs: 2,
    trainLoss: 0.5,
    mineLoss: 0.6,
    lossCurve: [
      [0, 1.1],
      [10, 0.5],
    ],
    seconds: 3,
    ...overrides,
  };
}

export function evaluateResult(
  request: EvaluateRequest,
  score: number,
  overrides: Partial<EvaluateResult> = {},
): EvaluateResult {
  const final = request.purpose === 'final';
  const slice = { support: 12, errorRate: 0.8, lift: 2.5 };
  const metric = { name: request.metric ?? 'accuracy', higherIsBetter: request.metric !== 'loss' };
  const most = metric.higherIsBetter ? 1 : Infinity;
  return {
    metric,
    role: final ? 'test' : 'select',
    score: {
      value: score,
      low: Math.max(0, score - 0.05),
      high: Math.min(most, score + 0.05),
      samples: 20,
      unscored: 0,
    },
    secondary: { macroF1: score },
    report: objectRef(`${request.outputPrefix}attempt-1/report.json`),
    improvementsFile: final ? null : objectRef(`${request.outputPrefix}attempt-1/improvements.json`),
    slices: final ? [] : [{ name: 'label = rare', ...slice, qValue: 0.01 }],
    errorRates: final ? [] : [{ name: 'label = rare', support: 12, errorRate: 0.8 }],
    improvements: final ? [] : [{ id: 'imp-1', kind: 'augment', slice: 'label = rare', ...slice, gainBound: 0.1 }],
    badCases: final ? 0 : 4,
    seconds: 1,
    ...overrides,
  };
}

/** A quick model's trial of one remedy beside the control arm. */
export const TRIAL: Trial = {
  proxy: 'linear model over words, of the label',
  seeds: 3,
  samples: 10,
  baseline: 0.6,
  chosen: 0.7,
  arms: [
    {
      ...{ arm: 'augment', improvements: ['imp-1'], rows: 12, score: 0.7, chosen: true },
      ...{ uplift: { value: 0.1, low: 0.02, high: 0.18 }, reason: 'better than the control arm' },
    },
    {
      ...{ arm: 'control augment', improvements: [], rows: 12, score: 0.61, chosen: false },
      ...{ uplift: { value: 0.01, low: -0.05, high: 0.07 }, reason: 'random rows, for comparison' },
    },
  ],
};

/** A teacher that was asked twice. */
export const TAUGHT: TeacherReport = {
  ...{ model: 'tutor-1', calls: 2, rowsShown: 16 },
  ...{ rowsAsked: 40, rowsAnswered: 38, rowsAccepted: 31 },
};

/** A challenger that is a little better than the champion of iteration 0, perhaps by chance. */
export function pairedComparison(overrides: Partial<Comparison> = {}): Comparison {
  return {
    championIteration: 0,
    samples: 20,
    difference: 0.05,
    low: -0.02,
    high: 0.12,
    pValue: 0.6,
    gained: 3,
    lost: 2,
    regressions: [],
    calibrationChange: 0.001,
    ...overrides,
  };
}

/** A task as its workflow is started with. */
export function taskSpec(overrides: Partial<TaskSpec> = {}): TaskSpec {
  const source = { datasetId: 'dataset_1', ...objectRef('datasets/1/dataset_1/raw'), format: null, columns: null };
  return {
    taskId: `task_${sha256(String(Math.random())).slice(0, 12)}`,
    taskName: 'a task',
    userId: 1,
    mode: 'STANDARD',
    modelName: 'builtin:classifier',
    hyperparameters: { epochs: 2 },
    seed: 7,
    metric: null,
    taskType: null,
    source,
    validation: null,
    test: { ...source, datasetId: 'dataset_2', ...objectRef('datasets/1/dataset_2/raw') },
    pool: null,
    stopConditions: {
      maxIterations: 3,
      performanceThreshold: null,
      rule: 'point',
      plateau: null,
      budget: null,
      deadline: null,
    },
    seq: 0,
    ...overrides,
  };
}
