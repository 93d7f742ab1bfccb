// The demo's words: its options, a task's progress as one line, what a task came to.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseDemoArguments } from '../../tools/demo/arguments.mjs';
import { describeTask, ProgressLine } from '../../tools/demo/task-progress.mjs';
import { describeStopReason, summariseTask } from '../../tools/demo/task-summary.mjs';
import { temporaryFolder } from './support.mjs';

test('without options the samples are used and the stack stays up', () => {
  assert.deepEqual(parseDemoArguments([]), { exit: false, own: undefined });
  assert.equal(parseDemoArguments(['--exit']).exit, true);
});

test('own files are found and get the defaults of a STANDARD task', (t) => {
  const file = path.join(temporaryFolder(t), 'train.csv');
  fs.writeFileSync(file, 'text,label\n');
  const { own } = parseDemoArguments(['--dataset', file, '--test', file]);
  assert.deepEqual([own.dataset, own.test, own.mode, own.model], [file, file, 'standard', 'builtin:classifier']);
});

test('a wrong option is refused by its name', (t) => {
  const file = path.join(temporaryFolder(t), 'train.csv');
  fs.writeFileSync(file, '');
  assert.throws(() => parseDemoArguments(['--data', 'x']), /--data.*npm run demo/s);
  assert.throws(
    () => parseDemoArguments(['--dataset', '/no/such.csv']),
    /--dataset \/no\/such\.csv: there is no such file/,
  );
  assert.throws(() => parseDemoArguments(['--model', 'builtin:tinygpt']), /--model needs --dataset/);
  assert.throws(
    () => parseDemoArguments(['--dataset', file, '--mode', 'loop']),
    /--mode must be standard or continuous/,
  );
  assert.throws(() => parseDemoArguments(['--dataset', file, '--threshold', 'high']), /--threshold must be a number/);
});

const task = {
  status: 'TRAINING',
  taskMode: 'CONTINUOUS',
  taskName: 'maths',
  modelName: 'builtin:tinygpt',
  currentIteration: 1,
  maxIterations: 4,
  controlState: 'none',
  latestScore: 0.7166,
};

test('a line tells status, iteration, stage, step, loss, score and the time left', () => {
  const progress = { stage: 'epoch 2 of 8', step: 150, totalSteps: 776, loss: 0.123456, score: null, etaSeconds: 75 };
  assert.equal(
    describeTask({ ...task, progress }),
    'TRAINING · iteration 1 of 4 · epoch 2 of 8 · step 150/776 · loss 0.1235 · score 0.7166 · 1 min 15 s left',
  );
});

test('what is not known is left out of the line', () => {
  assert.equal(describeTask({ ...task, status: 'PENDING', latestScore: null, progress: null }), 'PENDING');
  const pausing = { ...task, latestScore: null, progress: null, controlState: 'pausing' };
  assert.equal(describeTask(pausing), 'TRAINING · iteration 1 of 4 · (pausing)');
});

test('outside a terminal a phase gets its own line at once, and figures within a phase only now and then', () => {
  const lines = [];
  const line = new ProgressLine(
    { isTTY: false, write: (text) => lines.push(text.trim()) },
    { plainIntervalMs: 60_000 },
  );
  line.show('TRAINING', 'step 1');
  line.show('TRAINING', 'step 2');
  line.show('EVALUATING', 'step 1 of evaluation');
  assert.deepEqual(lines, ['step 1', 'step 1 of evaluation']);
});

test('the summary has scores with intervals, the champion, the sealed test and the rule that stopped the loop', () => {
  const report = {
    metric: { name: 'exact_match' },
    iterations: [
      {
        iteration: 0,
        score: 0.7166,
        low: 0.66,
        high: 0.76,
        samples: 300,
        rows: 3085,
        seconds: { training: 103.2 },
        champion: false,
      },
      { iteration: 1, score: 1, low: 0.987, high: 1, samples: 300, rows: 4407, seconds: {}, champion: true },
    ],
    test: { score: 0.99, low: 0.97, high: 1, samples: 300, reads: 1 },
  };
  const stopReason = { policy: 'performanceThreshold', score: 1, threshold: 0.95, plateau: null };
  const lines = summariseTask({ ...task, status: 'COMPLETED', stopReason }, report).join('\n');
  assert.match(
    lines,
    /iteration 0 {2}score 0\.717 \[0\.660, 0\.760\] {2}on 300 samples {2}3085 rows trained on {2}training 103 s\n/,
  );
  assert.match(lines, /iteration 1 .*← champion/);
  assert.match(lines, /sealed test {2}score 0\.990 \[0\.970, 1\.000\]/);
  assert.match(lines, /stopped by: performanceThreshold \(score 1, threshold 0\.95\)/);
  assert.equal(describeStopReason(null), 'one pass was asked for');
});

test('a failed task shows its code, its phase and its message', () => {
  const failure = { code: 'DATASET_UNREADABLE', phase: 'optimization', message: 'line 3: broken' };
  const lines = summariseTask({ ...task, status: 'FAILED', failure }, { metric: null, iterations: [], test: null });
  assert.match(lines.join('\n'), /FAILED\n.*DATASET_UNREADABLE in optimization: line 3: broken/);
});
