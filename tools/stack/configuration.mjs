// @ts-check
// Would the API and the worker take this environment? Asked of their own schemas before anything starts. The Python services check
// theirs as they start.
import { createRequire } from 'node:module';
import path from 'node:path';
import { UserError } from '../shared/errors.mjs';
import { ROOT } from '../shared/paths.mjs';

/**
 * @param {NodeJS.ProcessEnv} env as the two programs will see it
 * @throws {UserError} naming every variable that one of them would refuse
 */
export function checkConfiguration(env) {
  const { readApiConfig, readWorkerConfig } = createRequire(import.meta.url)(path.join(ROOT, 'dist/src/config.js'));
  const faults = new Set();
  for (const read of [readApiConfig, readWorkerConfig]) {
    try {
      read(env);
    } catch (error) {
      if (!(error instanceof Error && error.name === 'ConfigError')) throw error;
      for (const line of error.message.split('\n').slice(1)) faults.add(line);
    }
  }
  if (faults.size) throw new UserError(`the configuration cannot be used:\n${[...faults].join('\n')}`);
}
