// @ts-check
// Makes dist/ from the sources: the Prisma client, TypeScript to JavaScript, and the bundle of the workflows. Done again only when a
// source changed; a stamp written last says for which sources dist/ is whole.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from './shared/commands.mjs';
import { ROOT } from './shared/paths.mjs';

const SOURCES = [
  'src',
  'workflows',
  'activities',
  'bench',
  'prisma/schema.prisma',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];
const IGNORED = /\.test\.ts$|^src\/(generated|testing)(\/|$)|^workflows\/histories\/|^bench\/results(\/|$)/;

/** @param {string} root @param {string} name @returns {string[]} files at or below, relative to the root */
function filesBelow(root, name) {
  const location = path.join(root, name);
  if (IGNORED.test(name) || !fs.existsSync(location)) return [];
  if (!fs.statSync(location).isDirectory()) return [name];
  return fs
    .readdirSync(location)
    .sort()
    .flatMap((entry) => filesBelow(root, `${name}/${entry}`));
}

/** A hash over names and contents of the given sources. @param {string} root @param {string[]} sources */
export function hashSources(root, sources) {
  const hash = createHash('sha256');
  for (const name of sources.flatMap((source) => filesBelow(root, source))) {
    hash
      .update(name)
      .update('\0')
      .update(fs.readFileSync(path.join(root, name)))
      .update('\0');
  }
  return hash.digest('hex');
}

/**
 * @param {string} stampFile
 * @param {string} hash
 * @param {() => Promise<void>} make
 * @returns {Promise<boolean>} whether it was made now
 */
export async function makeUnlessCurrent(stampFile, hash, make) {
  if (fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === hash) return false;
  fs.rmSync(stampFile, { force: true });
  await make();
  fs.mkdirSync(path.dirname(stampFile), { recursive: true });
  fs.writeFileSync(stampFile, hash);
  return true;
}

/**
 * Brings the generated client and dist/ up to date. Safe to repeat.
 * @param {{ root?: string, logFile: string, onLine?: (line: string) => void }} options
 */
export async function build({ root = ROOT, logFile, onLine }) {
  const tool = (/** @type {string} */ name) => path.join(root, 'node_modules/.bin', name);
  const output = { cwd: root, logFile, onLine };
  const schemaHash = hashSources(root, ['prisma/schema.prisma', 'package-lock.json']);
  await makeUnlessCurrent(path.join(root, 'src/generated/.schema-hash'), schemaHash, () =>
    run(tool('prisma'), ['generate'], { ...output, what: 'generating the Prisma client' }),
  );
  await makeUnlessCurrent(path.join(root, 'dist/.source-hash'), hashSources(root, SOURCES), async () => {
    // A leftover of a removed source would still run; and tsc's own record must go with what it describes.
    fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true });
    await run(tool('tsc'), ['-p', 'tsconfig.build.json'], { ...output, what: 'compiling TypeScript' });
    const bundler = path.join(root, 'dist/src/build-workflows.js');
    await run(process.execPath, [bundler], { ...output, what: 'bundling the workflows' });
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await build({ logFile: path.join(ROOT, '.cache/build.log'), onLine: console.log }).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
