/** `npm run bench`: all measurements against the stack that the command has started; figures to the terminal, raw JSON kept. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { keep } from './figures';
import { measureIteration } from './iteration';
import { measureOrchestration } from './orchestration';

/** BANKING77, where it lies beside the repository; other places by `--data FOLDER` holding train.csv and test.csv. */
const DATA = '../shared/data/banking77';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; start the measurements with: npm run bench`);
  return value;
}

function show(name: string, { raw: _raw, ...figures }: { raw: object }, file: string): void {
  process.stdout.write(`${name} ${JSON.stringify(figures)}\n  raw: ${path.relative('.', file)}\n`);
}

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const orchestration = await measureOrchestration({
    temporalAddress: required('TEMPORAL_ADDRESS'),
    databaseUrl: required('DATABASE_URL'),
  });
  show('orchestration', orchestration, keep('orchestration', orchestration));

  const at = process.argv.indexOf('--data');
  const folder = path.resolve(at > 0 ? (process.argv[at + 1] ?? DATA) : DATA);
  const [trainFile, testFile] = [path.join(folder, 'train.csv'), path.join(folder, 'test.csv')];
  if (!existsSync(trainFile) || !existsSync(testFile)) {
    process.stdout.write(
      `iteration: not measured, no train.csv and test.csv in ${folder}; give a folder with --data\n`,
    );
    return;
  }
  const secrets = JSON.parse(readFileSync(path.join(required('WLOPS_DATA_DIR'), 'secrets.json'), 'utf8')) as {
    adminEmail: string;
    adminPassword: string;
  };
  const iteration = await measureIteration({
    api: required('WLOPS_BENCH_API'),
    email: secrets.adminEmail,
    password: secrets.adminPassword,
    python: required('WLOPS_BENCH_PYTHON'),
    trainFile,
    testFile,
    rounds: 3,
  });
  show('iteration', iteration, keep('iteration', iteration));
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
