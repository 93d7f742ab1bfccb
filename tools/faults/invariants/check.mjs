// @ts-check
// `npm run check:invariants -- --data-dir D [--client-log F]`: does everything that a running stack holds agree? Ends with
// `N passed, N failed`; what could not be judged is named in the line above.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, UserError } from '../../shared/errors.mjs';
import { dataDirectory } from '../../shared/paths.mjs';
import { gatherFacts } from './gather.mjs';
import { extent, judge } from './judge.mjs';

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @throws {UserError}
 */
export function parseCheckArguments(args, env) {
  const options = /** @type {const} */ ({ 'data-dir': { type: 'string' }, 'client-log': { type: 'string' } });
  try {
    const { values } = parseArgs({ args, options });
    const clientLog = values['client-log'];
    return {
      dataDir: values['data-dir'] ? path.resolve(values['data-dir']) : dataDirectory(env),
      ...(clientLog ? { clientLog: path.resolve(clientLog) } : {}),
    };
  } catch (error) {
    throw new UserError(`${messageOf(error)}; usage: check:invariants [--data-dir FOLDER] [--client-log FILE]`);
  }
}

/**
 * Gathers, judges and prints.
 * @param {{ dataDir: string, clientLog?: string | undefined, python: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} exit code: 1 when an invariant is violated
 */
export async function checkInvariants(options) {
  return tellVerdict(await gatherFacts(options));
}

/**
 * Judges and prints.
 * @param {import('./facts.mjs').Facts} facts
 * @returns {number} exit code, as above
 */
export function tellVerdict(facts) {
  const { lines, failed } = judge(facts);
  for (const line of [...extent(facts), ...lines]) console.log(line);
  return failed === 0 ? 0 : 1;
}
