// @ts-check
// The words after `npm run demo --`.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, UserError } from '../shared/errors.mjs';

export const DEMO_USAGE = `npm run demo [-- options]
  --exit               stop the stack when done
  --dataset FILE       your own training data in place of the samples (csv, tsv, jsonl, parquet, also gzipped)
  --test FILE          its test data, read once at the end
  --validation FILE    its validation data
  --columns JSON       roles of columns, such as {"text": "sentence", "label": "intent"}
  --model NAME         builtin:classifier (default), builtin:tinygpt, or a Hugging Face model
  --mode MODE          standard (default) or continuous
  --max-iterations N   for continuous, default 4
  --threshold SCORE    for continuous: stop when it is reached`;

/**
 * @typedef {object} DemoChoices
 * @property {boolean} exit
 * @property {{ dataset: string, test?: string, validation?: string, columns?: string, model: string, mode: 'standard' | 'continuous',
 *   maxIterations: number, threshold?: number } | undefined} own one's own data; the samples when undefined
 */

/** @param {string} option @param {string | undefined} file */
function existingFile(option, file) {
  if (file === undefined) return undefined;
  // npm runs scripts in the root of the repository; INIT_CWD is where the person is.
  const location = path.resolve(process.env.INIT_CWD ?? '.', file);
  if (!fs.existsSync(location))
    throw new UserError(`--${option} ${file}: there is no such file (looked for ${location})`);
  return location;
}

/** @param {string} option @param {string | undefined} text */
function number(option, text) {
  if (text === undefined) return undefined;
  if (text.trim() === '' || !Number.isFinite(Number(text)))
    throw new UserError(`--${option} must be a number; it is "${text}"`);
  return Number(text);
}

/**
 * @param {string[]} args
 * @returns {DemoChoices}
 * @throws {UserError} naming the option that is wrong
 */
export function parseDemoArguments(args) {
  const string = /** @type {const} */ ({ type: 'string' });
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        exit: { type: 'boolean', default: false },
        ...{ dataset: string, test: string, validation: string, columns: string, model: string, mode: string },
        ...{ 'max-iterations': string, threshold: string },
      },
    }));
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n\n${DEMO_USAGE}`);
  }
  const { exit, mode = 'standard', model = 'builtin:classifier', columns } = values;
  const dataset = existingFile('dataset', values.dataset);
  if (!dataset) {
    const needless = Object.keys(values).filter((name) => name !== 'exit');
    if (needless.length) throw new UserError(`--${needless[0]} needs --dataset\n\n${DEMO_USAGE}`);
    return { exit, own: undefined };
  }
  if (mode !== 'standard' && mode !== 'continuous')
    throw new UserError(`--mode must be standard or continuous; it is "${mode}"`);
  const own = {
    dataset,
    test: existingFile('test', values.test),
    validation: existingFile('validation', values.validation),
    columns,
    model,
    mode: /** @type {'standard' | 'continuous'} */ (mode),
    maxIterations: number('max-iterations', values['max-iterations']) ?? 4,
    threshold: number('threshold', values.threshold),
  };
  return { exit, own };
}
