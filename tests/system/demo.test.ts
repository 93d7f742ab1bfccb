/** The demo command on one's own file, against the stack that runs already: what it prints, and what it leaves behind. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from './support/stack.cjs';

let folder: string;
beforeAll(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'wlops-demo-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function demo(args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const command = [path.join(ROOT, 'tools/wlops.mjs'), 'demo', ...args];
    execFile(process.execPath, command, { timeout: 200_000 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
}

const FRUIT = ['apple', 'pear', 'plum', 'cherry', 'quince', 'grape', 'fig', 'date', 'melon', 'peach'];
const TOOLS = ['hammer', 'saw', 'drill', 'plane', 'chisel', 'wrench', 'clamp', 'file', 'vice', 'level'];
const PLACES = ['shed', 'kitchen', 'garden', 'market', 'cellar', 'attic'];

test('one’s own file is uploaded, trained on and reported, with the scores, the reason for the end and the page', async () => {
  const lines = PLACES.flatMap((place, index) =>
    [...FRUIT.map((word) => [word, 'food'] as const), ...TOOLS.map((word) => [word, 'work'] as const)].map(
      ([word, kind]) => `"where is the ${word}, in the ${place} number ${index * 7 + word.length}",${kind}`,
    ),
  );
  const file = path.join(folder, 'things.csv');
  writeFileSync(file, `sentence,kind\n${lines.join('\n')}\n`);
  const { code, output } = await demo([
    ...['--dataset', file, '--columns', '{"text": "sentence", "label": "kind"}'],
    ...['--mode', 'continuous', '--max-iterations', '2', '--threshold', '0.5'],
  ]);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('things.csv: dataset_') });
  expect(output).toMatch(/things\.csv: dataset_\w+, 120 samples/);
  expect(output).toMatch(/CONTINUOUS task task_\w+ started: things\.csv with builtin:classifier/);
  expect(output).toMatch(/^ {2}TRAINING · iteration 0 of 2/m);
  expect(output).toMatch(/performanceThreshold/);
  expect(output).toMatch(/API docs http:\/\/127\.0\.0\.1:\d+\/docs/);
  const page = /report: (\S+\.html)/.exec(output)?.[1] ?? '';
  expect(existsSync(page) && readFileSync(page, 'utf8')).toContain('<svg');
}, 240_000);

test('a task that fails makes the command fail, with the reason', async () => {
  const file = path.join(folder, 'one-class.csv');
  writeFileSync(file, `text,label\n${FRUIT.map((word) => `a ${word},food`).join('\n')}\n`);
  const { code, output } = await demo(['--dataset', file]);
  expect(code).toBe(1);
  expect(output).toMatch(/FAILED/);
  expect(output).toMatch(/class/);
}, 120_000);
