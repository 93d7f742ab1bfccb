// @ts-check
// Builds a server program with `go install` at a pinned version. Modules and build cache lie in a folder of its own, removed afterwards.
import fs from 'node:fs';
import path from 'node:path';
import { capture, findOnPath, run } from '../shared/commands.mjs';
import { UserError } from '../shared/errors.mjs';

/** Removes a folder although Go writes its modules read-only. @param {string} directory */
function removeReadOnlyTree(directory) {
  if (!fs.existsSync(directory)) return;
  const open = (/** @type {string} */ folder) => {
    fs.chmodSync(folder, 0o700);
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) open(path.join(folder, entry.name));
    }
  };
  open(directory);
  fs.rmSync(directory, { recursive: true, force: true });
}

/** A Go that runs, or undefined. @param {NodeJS.ProcessEnv} env */
export async function findGo(env) {
  for (const go of findOnPath('go', env)) {
    if (await capture(go, ['version'], { env })) return go;
  }
  return undefined;
}

/**
 * @param {object} options
 * @param {string} options.goPackage such as `github.com/temporalio/cli/cmd/temporal`
 * @param {string} options.version without the `v`
 * @param {string} options.name what the program is called; Go names it after the last part of the package
 * @param {string} options.directory where the program goes; its parent holds the scratch folder meanwhile
 * @param {string} options.logFile
 * @param {(line: string) => void} options.onLine
 * @param {NodeJS.ProcessEnv} options.env
 * @returns {Promise<string>} the program
 * @throws {UserError} when Go is absent or the build fails
 */
export async function goInstall({ goPackage, version, name, directory, logFile, onLine, env }) {
  const go = await findGo(env);
  if (!go) throw new UserError('Go is not installed (https://go.dev/dl)');
  // The caller holds the lock of `directory`: what lies here is the rest of a build that was interrupted.
  const scratch = `${directory}.build`;
  removeReadOnlyTree(scratch);
  fs.mkdirSync(scratch, { recursive: true });
  try {
    await run(go, ['install', '-v', `${goPackage}@v${version}`], {
      cwd: scratch,
      logFile,
      onLine: (line) => onLine(`building: ${line}`),
      what: `building ${goPackage}@v${version}`,
      env: {
        ...env,
        GOBIN: directory,
        GOMODCACHE: path.join(scratch, 'modules'),
        GOCACHE: path.join(scratch, 'cache'),
        GOPATH: path.join(scratch, 'path'),
        GOFLAGS: '-mod=mod',
        GOWORK: 'off',
        CGO_ENABLED: '0',
        // A package may ask for a newer Go than the machine's; it comes as a module like the rest.
        GOTOOLCHAIN: env.GOTOOLCHAIN || 'auto',
      },
    });
    const program = path.join(directory, name);
    fs.renameSync(path.join(directory, path.basename(goPackage)), program);
    return program;
  } finally {
    removeReadOnlyTree(scratch);
  }
}
