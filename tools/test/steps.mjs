// @ts-check
// What `npm test` runs: static checks of both languages, the test suites, then, alone, the whole stack, one fault of each kind,
// and a replay of all workflows that ran.
import fs from 'node:fs';
import path from 'node:path';
import { PYTHON_SERVICES, ROOT } from '../shared/paths.mjs';
import { jestCounts, junitCounts, tapCounts } from './counts.mjs';

/**
 * @typedef {object} TestStep
 * @property {string} name
 * @property {string} command
 * @property {string[]} args
 * @property {string} [cwd]
 * @property {boolean} [alone] nothing else runs beside it
 * @property {string} [report] a file it writes
 * @property {(output: string) => import('./counts.mjs').Counts} [count] by its output or its report; without it the step is one check
 */

/** Relative to the root. */
const toolTests = () =>
  fs
    .readdirSync(path.join(ROOT, 'tests/tools'))
    .filter((name) => name.endsWith('.test.mjs'))
    .map((name) => `tests/tools/${name}`);

/**
 * @param {{ python: string, reports: string }} place `python`: the services' interpreter; `reports`: an existing folder
 * @returns {TestStep[]}
 */
export function testSteps({ python, reports }) {
  const npmTool = (/** @type {string} */ name) => path.join(ROOT, 'node_modules/.bin', name);
  const ruff = path.join(path.dirname(python), 'ruff');
  const ruffPlaces = [
    '--config',
    path.join(PYTHON_SERVICES, 'pyproject.toml'),
    PYTHON_SERVICES,
    path.join(ROOT, 'samples'),
    path.join(ROOT, 'bench'),
  ];
  const report = (/** @type {string} */ name) => path.join(reports, name);
  const jest = (/** @type {string} */ name, /** @type {string[]} */ args) => ({
    name,
    command: npmTool('jest'),
    args: [...args, '--ci', '--json', `--outputFile=${report(`${name}.json`)}`],
    report: report(`${name}.json`),
    count: () => jestCounts(report(`${name}.json`)),
  });
  return [
    { name: 'types', command: npmTool('tsc'), args: ['--noEmit'] },
    { name: 'types-tools', command: npmTool('tsc'), args: ['--noEmit', '-p', 'tsconfig.tools.json'] },
    { name: 'eslint', command: npmTool('eslint'), args: ['.', '--max-warnings', '0'] },
    { name: 'prettier', command: npmTool('prettier'), args: ['--check', '.', '--log-level', 'warn'] },
    // The scripts of samples/ and bench/ are programs of their own: no package, and they print.
    {
      name: 'ruff',
      command: ruff,
      args: [
        'check',
        ...['samples', 'bench'].flatMap((folder) => [
          '--extend-per-file-ignores',
          `**/${folder}/**/*.py:INP001`,
          '--extend-per-file-ignores',
          `**/${folder}/**/*.py:T201`,
        ]),
        ...ruffPlaces,
      ],
    },
    { name: 'ruff-format', command: ruff, args: ['format', '--check', ...ruffPlaces] },
    { name: 'mypy', command: python, args: ['-m', 'mypy'], cwd: PYTHON_SERVICES },
    {
      name: 'pytest',
      command: python,
      args: ['-m', 'pytest', '-q', `--junitxml=${report('pytest.xml')}`],
      cwd: PYTHON_SERVICES,
      report: report('pytest.xml'),
      count: () => junitCounts(report('pytest.xml')),
    },
    jest('jest', []),
    {
      name: 'tools',
      command: process.execPath,
      // Each by its name: Node 20 knows no patterns here, and Node 22 no folders.
      args: ['--test', '--test-reporter=tap', ...toolTests()],
      count: tapCounts,
    },
    { ...jest('system', ['--config', 'jest.system.config.cjs', '--runInBand']), alone: true },
    { ...jest('faults', ['--config', 'jest.faults.config.cjs', '--runInBand', 'quick']), alone: true },
    { ...jest('replay', ['--config', 'jest.replay.config.cjs']), alone: true },
  ];
}
