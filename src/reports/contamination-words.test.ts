import { foundAmongTraining, aboutScore } from './contamination-words';

const FOUND = { checked: 300, exact: 1, near: 1, paraphrases: 12, excluded: 14, made: 12, byChance: 40 };

test('a few rows are told with the bound they make, and where they stand', () => {
  expect(aboutScore({ ...FOUND, byChance: 0 }, 'sealed row')).toBe(
    '14 sealed rows found among the training rows and counted as wrong: the model is at least as good as the score says.' +
      ' 12 of them are put down to rows that the loop made.',
  );
  expect(foundAmongTraining(FOUND)).toBe(
    '1 exact, 1 near, 12 in other words of 300 rows; 14 counted as wrong; 40 more in other words, as chance does.' +
      ' 12 of them are put down to rows that the loop made.',
  );
});

test('rows that chance told in other words are named also where no row was found', () => {
  expect(aboutScore({ ...FOUND, excluded: 0, byChance: 284 }, 'sealed row')).toBe(
    'Training rows tell 284 of 300 sealed rows in other words, no more often than they do other held-out rows;' +
      ' these are scored as all others.',
  );
});

test('more than a twentieth is told to leave the score without much meaning', () => {
  const warning = 'So many that the score says little about the model.';
  expect(aboutScore({ ...FOUND, excluded: 15 }, 'row')).not.toContain(warning);
  expect(aboutScore({ ...FOUND, excluded: 16 }, 'row')).toContain(warning);
  expect(foundAmongTraining({ ...FOUND, excluded: 16 })).toContain(warning);
});

test('a result of an older version is told without what it did not tell, and nothing found is no warning', () => {
  const old = { checked: 30, exact: 2, near: 0, paraphrases: null, excluded: 0 };
  expect(foundAmongTraining(old)).toBe('2 exact, 0 near of 30 rows; 0 counted as wrong');
  expect(aboutScore(old, 'row')).toBeNull();
});
