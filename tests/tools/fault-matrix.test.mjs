// Every row of the fault matrix is tested, here or elsewhere, or says why not. The index is the table in docs/reliability.md.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { LINKS, linkName } from '../../tools/faults/links.mjs';
import { PROCESSES } from '../../tools/faults/targets.mjs';
import { ROOT } from '../../tools/shared/paths.mjs';
import { testsIn } from './declared-tests.mjs';

const ADR = '0024';
const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');
const rows = [...read('docs/reliability.md').matchAll(/^\| (F\d+) \| (.+) \| (.+) \|$/gm)].map(
  ([, row, fault, where]) => ({
    row,
    fault,
    where,
  }),
);
const faultTests = fs
  .readdirSync(path.join(ROOT, 'tests/faults'))
  .filter((name) => name.endsWith('.test.ts'))
  .flatMap((name) => testsIn(name, read(`tests/faults/${name}`)));
const hasTestHere = (row) => faultTests.some((name) => name.startsWith(`${row} `));
const reasons = read('docs/decisions/0024-faults-that-are-not-automatic.md');

test('the index has each row of the matrix once, in order', () => {
  assert.deepEqual(
    rows.map(({ row }) => row),
    Array.from({ length: 37 }, (_, index) => `F${index + 1}`),
  );
});

for (const { row, where } of rows) {
  test(`${row} is where the index says`, () => {
    const named = [...where.matchAll(/`([^`]+)` "([^"]+)"/g)];
    for (const [, file, name] of named)
      assert.ok(testsIn(file, read(file)).includes(name), `${file} runs no test "${name}"`);
    if (/\bhere\b/.test(where)) assert.ok(hasTestHere(row), `no test that runs in tests/faults begins with "${row} "`);
    if (where.includes(ADR)) assert.match(reasons, new RegExp(`^\\| [^|]*\\b${row}\\b[^|]*\\|`, 'm'));
    assert.ok(named.length > 0 || /\bhere\b/.test(where) || where.includes(ADR), 'it is nowhere');
  });
}

test('no fault test is missing from the index', () => {
  const tested = new Set(faultTests.flatMap((name) => /^(F\d+) /.exec(name)?.[1] ?? []));
  const here = rows.filter(({ where }) => /\bhere\b/.test(where)).map(({ row }) => row);
  assert.deepEqual([...tested].sort(), here.sort());
});

test('the quick part has one fault of each kind', () => {
  const file = 'tests/faults/recovery.quick.test.ts';
  const quick = testsIn(file, read(file));
  for (const row of ['F2', 'F4', 'F5', 'F7', 'F8', 'F9', 'F10', 'F12', 'F14', 'F24'])
    assert.ok(
      quick.some((name) => name.startsWith(`${row} `)),
      row,
    );
});

test('tests and tools know the same links and processes', () => {
  const support = read('tests/faults/support/faults.ts');
  const words = new Set([...support.matchAll(/'([\w→-]+)'/g)].map(([, word]) => word));
  for (const name of [...LINKS.map(linkName), ...PROCESSES]) assert.ok(words.has(name), name);
  assert.deepEqual([...words].filter((word) => word.includes('→')).sort(), LINKS.map(linkName).sort());
});
