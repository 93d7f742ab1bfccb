// Logs of JSON lines survive the death of who writes them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { FAULT_LOG, noteFault } from '../../tools/shared/fault-log.cjs';
import { addJsonLine, readJsonLines } from '../../tools/shared/json-lines.cjs';
import { recorder, temporaryFolder } from './support.mjs';

test('what was added is read, and a file that is not there holds nothing', (t) => {
  const file = path.join(temporaryFolder(t), 'log.jsonl');
  assert.deepEqual(readJsonLines(file), []);
  for (const value of [{ a: 1 }, { b: '→' }]) addJsonLine(file, value);
  assert.deepEqual(readJsonLines(file), [{ a: 1 }, { b: '→' }]);
  assert.equal(fs.readFileSync(file, 'utf8'), '{"a":1}\n{"b":"→"}\n');
});

test('half a line is what a killed process leaves: the next one begins below it, and only that line is lost, and told', (t) => {
  const file = path.join(temporaryFolder(t), 'log.jsonl');
  const tell = recorder();
  fs.writeFileSync(file, '{"a":1}\n{"b":');
  assert.deepEqual(readJsonLines(file, tell), [{ a: 1 }]);
  assert.deepEqual(tell.lines, [], 'the process may be writing it just now');
  for (const value of [{ c: 3 }, { d: 4 }]) addJsonLine(file, value);
  assert.deepEqual(readJsonLines(file, tell), [{ a: 1 }, { c: 3 }, { d: 4 }]);
  assert.deepEqual(tell.lines, [`${file}: line 2 is not whole and is left out`]);
});

test('a whole last line without its end is read, and nothing is added to it', (t) => {
  const file = path.join(temporaryFolder(t), 'log.jsonl');
  fs.writeFileSync(file, '{"a":1}');
  addJsonLine(file, { b: 2 });
  assert.deepEqual(readJsonLines(file), [{ a: 1 }, { b: 2 }]);
});

test('a fault is written down with its time', (t) => {
  const folder = temporaryFolder(t);
  noteFault(folder, 'job of trainer', { job: 'job_1' });
  const [{ at, ...fault }] = readJsonLines(path.join(folder, FAULT_LOG));
  assert.ok(Math.abs(Date.now() - at) < 10_000);
  assert.deepEqual(fault, { target: 'job of trainer', job: 'job_1' });
});
