import { isPromoted, type Champion } from './champion';

function model(iteration: number, value: number): Champion {
  const ref = { key: `models/task_a/${iteration}/manifest.json`, sha256: 'a'.repeat(64) };
  const score = { value, low: value - 0.1, high: value + 0.1 };
  return { iteration, score, model: ref, modelPath: ref.key, recipe: ref, improvementsFile: null };
}

test('the first model becomes the champion, however bad', () => {
  expect(isPromoted(null, model(0, 0), true)).toBe(true);
});

test.each([
  ['a better accuracy is promoted', 0.8, 0.9, true, true],
  ['a worse accuracy is not', 0.9, 0.8, true, false],
  ['a lower loss is promoted', 0.9, 0.8, false, true],
  ['a higher loss is not', 0.8, 0.9, false, false],
])('%s', (_name, champion, challenger, higherIsBetter, promoted) => {
  expect(isPromoted(model(0, champion), model(1, challenger), higherIsBetter)).toBe(promoted);
});

test.each([true, false])('a tie keeps the champion (higher is better: %s)', (higherIsBetter) => {
  expect(isPromoted(model(0, 0.5), model(1, 0.5), higherIsBetter)).toBe(false);
});
