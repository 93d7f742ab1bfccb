// A test that is skipped or commented out is no test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testsIn } from './declared-tests.mjs';

test('tests of TypeScript: plain, of a table, and with a template for a name', () => {
  const source = `
    test('F1 plain', () => {});
    test.each([1, 2])('F2 of %i', () => {});
    test.each\`a\`("F3 of a table", () => {});
    describe('a group', () => { it(\`F4 of \${name}\`, () => {}); });
  `;
  assert.deepEqual(testsIn('a.test.ts', source), ['F1 plain', 'F2 of %i', 'F3 of a table', 'F4 of ']);
});

test('what is skipped, left for later or commented out does not count, nor what another keeps from running', () => {
  const source = `
    test.skip('F1 skipped', () => {});
    test.skip.each([1])('F2 skipped', () => {});
    test.each.skip([1])('F3 skipped', () => {});
    xtest('F4 skipped', () => {});
    test.todo('F5 later');
    // test('F6 commented out', () => {});
    /* test('F7 commented out', () => {}); */
    describe.skip('a group', () => { test('F8 skipped', () => {}); });
    const said = "test('F9 a word')";
    test('F10 runs', () => {});
  `;
  assert.deepEqual(testsIn('a.test.ts', source), ['F10 runs']);
  assert.deepEqual(testsIn('a.test.ts', `${source} test.only('F11 alone', () => {});`), []);
});

test('tests of Python', () => {
  const source = [
    'def test_one(folder):',
    '    pass',
    '@pytest.mark.skip(reason="x")',
    'def test_two():',
    '# def test_three():',
    '@pytest.mark.parametrize("a", [1])',
    'async def test_four(a):',
  ].join('\n');
  assert.deepEqual(testsIn('test_a.py', source), ['test_one', 'test_four']);
});
