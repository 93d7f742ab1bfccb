import { pairedComparison } from '../testing/job-results';
import { decisionWords, stopWords } from './decision-words';

const words = (kind: string, facts: unknown) => decisionWords({ kind, facts });

const verdict = {
  metric: 'accuracy',
  challenger: { iteration: 2, value: 0.85, low: 0.8, high: 0.9 },
  champion: { iteration: 1, value: 0.8, low: 0.75, high: 0.85 },
};

test('a promotion says by how much, on which rows, and how sure that is', () => {
  const facts = { ...verdict, reason: 'better', rule: 'r', comparison: pairedComparison({ samples: 1998 }) };
  expect(words('promote', facts)).toBe(
    'Better than the champion: accuracy 0.8500 (0.8000 to 0.9000) against 0.8000 of iteration 1. ' +
      'On the same 1,998 rows +0.0500 (−0.0200 to +0.1200); 3 rows won and 2 lost (p 0.600); calibration error +0.0010',
  );
});

test('of a loss the words say which is better, and the sign what became of it', () => {
  const facts = { ...verdict, metric: 'loss', reason: 'better', champion: { iteration: 1, value: 1.9 } };
  const comparison = pairedComparison({ difference: -1.05, low: -1.2, high: -0.9, calibrationChange: null });
  expect(words('promote', { ...facts, comparison })).toBe(
    'Better than the champion: loss 0.8500 (0.8000 to 0.9000) against 1.9000 of iteration 1. ' +
      'On the same 20 rows −1.0500 (−1.2000 to −0.9000); 3 rows won and 2 lost (p 0.600)',
  );
  const reached = { policy: 'performanceThreshold', rule: 'point', score: 0.45, compared: 0.45, threshold: 0.5 };
  expect(stopWords(reached)).toBe('The target 0.5000 is reached: the champion has 0.4500.');
});

test('a refusal names the slices that got worse', () => {
  const regressions = [{ name: 'label = rare', support: 12, before: 0.1, after: 0.25, qValue: 0.01 }];
  expect(words('keep', { ...verdict, reason: 'regression', comparison: pairedComparison({ regressions }) })).toMatch(
    /^Better as a whole, but worse on a guarded slice.*worse on label = rare: error rate 0\.1000 → 0\.2500 on 12 rows$/,
  );
});

test('a challenger that had nothing new to learn from is told', () => {
  expect(words('keep', { ...verdict, reason: 'not-better', sameRows: true })).toBe(
    'Not better than the champion: accuracy 0.8500 (0.8000 to 0.9000) against 0.8000 of iteration 1. ' +
      'It was trained on the very rows of the champion: no suggestion was applied',
  );
  expect(words('keep', { ...verdict, reason: 'not-better', sameRows: false })).not.toContain('very rows');
});

test('a verdict of a version that knew no reasons shows its rule', () => {
  const facts = { ...verdict, champion: null, rule: 'larger point score' };
  expect(words('promote', facts)).toBe('accuracy 0.8500 (0.8000 to 0.9000). rule: larger point score');
});

test.each([
  [
    { policy: 'performanceThreshold', score: 0.97123, compared: 0.97123, threshold: 0.95 },
    /target 0\.9500 is reached.*0\.9712\.$/,
  ],
  [
    { policy: 'performanceThreshold', rule: 'lower_bound', score: 0.97, compared: 0.96, threshold: 0.95 },
    /0\.9600 at the cautious end/,
  ],
  [{ policy: 'maxIterations', iterations: 5, limit: 5 }, /^All of at most 5 iterations are done\.$/],
  [
    { policy: 'plateau', patience: 2, minimumGain: 0.01, gain: -0.003 },
    /last 2 iterations gained −0\.0030, less than 0\.01/,
  ],
  [{ policy: 'budget', wallSeconds: 7200.4, limit: 7200 }, /7,200 s in all, of 7,200 s/],
  [{ policy: 'budget', trainingSeconds: 61, limit: 60 }, /61 s of training, of 60 s/],
  [{ policy: 'deadline', deadline: '2030-01-31T12:00:00Z', now: 'x' }, /deadline 2030-01-31T12:00:00Z has passed/],
])('%j is a sentence', (reason, sentence) => {
  expect(stopWords(reason)).toMatch(sentence);
  expect(words('stop', reason)).toBe(stopWords(reason));
});

test('the other kinds of the ledger have sentences too', () => {
  const read = { score: 0.8, low: 0.7, high: 0.9, samples: 1, reads: 1, iteration: 3, contamination: { excluded: 2 } };
  expect(words('read-test', read)).toMatch(
    /read once, with the model of iteration 3: 0\.8000.*; 2 rows counted as wrong/,
  );
  expect(words('read-test', { ...read, contamination: { excluded: 0, byChance: 284 } })).toMatch(
    /; 284 rows told in other words as by chance$/,
  );
  const edit = { before: { maxIterations: 3, rule: 'point' }, after: { maxIterations: 5, rule: 'point' } };
  expect(words('edit-stop-conditions', edit)).toBe('maxIterations: 3 → 5');
  const stopConditions = {
    maxIterations: 5,
    performanceThreshold: 0.9,
    plateau: null,
    budget: { trainingSeconds: 60 },
  };
  expect(words('continue', { score: 0.8, championIteration: 0, stopConditions })).toMatch(
    /Limits: at most 5 iterations, target 0\.9000, 60 s of training\.$/,
  );
  expect(words('pause', { reason: 'lunch', status: 'TRAINING' })).toBe('Reason: lunch; was TRAINING');
});

test.each([
  ['promote', null],
  ['promote', { rule: 'larger' }],
  ['stop', { policy: 'some new one' }],
  ['a kind of later', {}],
  ['toString', {}],
  ['pause', { reason: null }],
])('%s with %j has no sentence, and its facts must speak', (kind, facts) => {
  expect(words(kind, facts)).toBeNull();
});

test('a reconciled task tells how its workflow ended, and why where that is known', () => {
  const facts = { workflow: 'TERMINATED', reason: 'cleaning up', status: 'TRAINING' };
  expect(decisionWords({ kind: 'reconcile', facts })).toBe(
    'The workflow had ended without this task, which was TRAINING: TERMINATED; reason: cleaning up',
  );
  expect(decisionWords({ kind: 'reconcile', facts: { ...facts, reason: null } })).not.toContain('reason');
});
