// @ts-check
// What `npm run bench:ml` measures: which scripts of bench/ml run with what, and how their lines become rows of the table.
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from '../shared/paths.mjs';

/** Each in an environment of its own. What data-juicer installs while it runs is given beforehand, so that no clock sees it. */
export const PEERS = {
  'data-juicer': ['py-data-juicer==1.6.1', 'aiohttp', 'ray', 'ftfy', 'scipy'],
  datatrove: ['datatrove[io,processing]==0.10.1', 'spacy>=3.8,<4'],
  datasketch: ['datasketch==2.0.0'],
  cleanlab: ['cleanlab==2.9.0'],
};

const SEEDS = ['1', '2', '3'];

/**
 * @typedef {Record<string, any>} Line what a script prints
 * @typedef {object} Side
 * @property {string} name
 * @property {keyof typeof PEERS} [peer] whose environment it runs in; the services' own otherwise
 * @property {string[]} command script and arguments
 * @property {Record<string, string>} [env]
 * @property {string[][]} [before] scripts that make its files first, in the services' environment
 * @typedef {object} Measurement
 * @property {string} name
 * @property {number} rounds how often all sides run, in turn
 * @property {Side[]} sides
 * @property {string} [missing] why it cannot be measured here
 * @property {(lines: Line[]) => string} show figures of one side, from its lines
 */

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[middle]];
  return (low + high) / 2;
}

/** @param {number} value @param {number} [digits] */
const short = (value, digits = 3) => Number(value.toPrecision(digits)).toLocaleString('en-US');

/** @param {Line[]} lines */
function rowsPerSecond(lines) {
  const [seconds, cpu] = ['seconds', 'cpuSeconds'].map((name) => median(lines.map((line) => line[name])));
  const { rows, kept } = /** @type {Line} */ (lines[0]);
  return `${short(rows / (cpu ?? NaN))} rows per processor second, ${short(rows / (seconds ?? NaN))} by the clock; kept ${kept} of ${rows}`;
}

/** @param {Line[]} lines */
const asJson = (lines) => JSON.stringify(lines[0]);

/** @param {Line[]} lines of one seed each */
function points(lines) {
  const results = lines.flatMap((line) => line.results);
  const champion = median(results.map((one) => one.champion));
  const gains = results.filter((one) => one.random != null).map((one) => 100 * (one.champion - one.random));
  const beside = gains.length ? `, ${gains.map((gain) => gain.toFixed(2)).join(' / ')} points over its random arm` : '';
  return `champion ${short(champion, 4)} on the sealed test (median of ${results.length} seeds)${beside}`;
}

/**
 * @param {{ quick: boolean, cache: string, scratch: string, env: NodeJS.ProcessEnv }} options `scratch`: an empty folder for files
 * @returns {Measurement[]}
 */
export function measurements({ quick, cache, scratch, env }) {
  const data = path.resolve(ROOT, env.WLOPS_BENCH_BANKING77 || '../shared/data/banking77');
  const [train, test] = [path.join(data, 'train.csv'), path.join(data, 'test.csv')];
  const missing = [train, test].every((file) => fs.existsSync(file))
    ? undefined
    : `no train.csv and test.csv in ${data}; WLOPS_BENCH_BANKING77 names another folder`;
  const rows = path.join(scratch, 'rows.jsonl');
  const makeRows = ['bench/ml/peers/dirty_rows.py', rows, '--rows', quick ? '4000' : '64000'];
  const often = quick ? 1 : 5;
  const seeds = quick ? SEEDS.slice(0, 1) : SEEDS;
  const rounds = quick ? '2' : '5';
  /** @param {string} script @returns {string[]} */
  const dedup = (script) => [`bench/ml/peers/dedup_${script}.py`, rows];
  const maths = path.join(scratch, 'maths');
  return [
    {
      name: 'dedup',
      rounds: often,
      show: rowsPerSecond,
      sides: [
        { name: 'ours', command: dedup('ours'), before: [makeRows] },
        { name: 'data-juicer', peer: 'data-juicer', command: dedup('data_juicer') },
        { name: 'datatrove', peer: 'datatrove', command: dedup('datatrove') },
      ],
    },
    {
      name: 'near-duplicates',
      rounds: often,
      show: rowsPerSecond,
      sides: [
        { name: 'ours', command: dedup('ours'), env: { NEAR_ONLY: '1' }, before: [makeRows] },
        { name: 'datasketch', peer: 'datasketch', command: dedup('datasketch') },
      ],
    },
    {
      name: 'optimizer',
      rounds: often,
      show: asJson,
      sides: [
        { name: 'steps', command: ['bench/ml/optimizer_speed.py', '--rows', quick ? '4000' : '100000'] },
        {
          name: 'whole iteration',
          command: ['bench/ml/optimizer_speed.py', '--whole', '--rows', quick ? '4000' : '100000'],
        },
      ],
    },
    {
      name: 'label-issues',
      rounds: 1,
      show: asJson,
      missing,
      sides: [
        { name: 'ours and cleanlab', peer: 'cleanlab', command: ['bench/ml/label_issues_vs_cleanlab.py', train] },
      ],
    },
    {
      name: 'label-noise',
      rounds: 1,
      show: ([line]) => `${short(100 * line?.recovered)} % of the lost accuracy recovered`,
      missing,
      sides: [
        {
          name: 'ours',
          command: ['bench/ml/label_noise.py', train, test, '--noise', '0.2', '--seeds', `${seeds.length}`],
        },
      ],
    },
    {
      name: 'evaluator',
      rounds: 1,
      show: asJson,
      sides: [{ name: 'ours and scikit-learn', command: ['bench/ml/evaluator_speed.py', quick ? '300' : '3080'] }],
    },
    {
      name: 'answers',
      rounds: 1,
      show: asJson,
      sides: [
        { name: 'ours and lm-eval', command: ['bench/ml/lm_eval_agreement.py', path.join(cache, 'bench/lm-eval')] },
      ],
    },
    {
      name: 'trainer',
      rounds: 1,
      show: asJson,
      sides: [{ name: 'ours, plain loop, Trainer', command: ['bench/ml/trainer_overhead.py', `${often}`] }],
    },
    {
      name: 'loop-banking77',
      rounds: 1,
      show: points,
      missing,
      sides: seeds.map((seed) => {
        const folder = path.join(scratch, `banking77-${seed}`);
        const files = ['source', 'pool'].flatMap((role) => [`--${role}`, path.join(folder, `${role}.csv`)]);
        return {
          name: `seed ${seed}`,
          before: [['bench/ml/loop_files.py', train, folder, '--seed', seed]],
          command: ['bench/ml/loop.py', ...files, '--test', test, '--rounds', rounds, '--seeds', seed],
        };
      }),
    },
    {
      name: 'loop-maths',
      rounds: 1,
      show: points,
      sides: seeds.map((seed) => ({
        name: `seed ${seed}`,
        before: [['samples/maths_word_problems.py', '--out', maths]],
        command: [
          ...['bench/ml/loop.py', '--source', path.join(maths, 'training.jsonl')],
          ...['--validation', path.join(maths, 'validation.jsonl'), '--model', 'builtin:tinygpt'],
          ...['--rounds', rounds, '--seeds', seed],
        ],
      })),
    },
  ];
}
