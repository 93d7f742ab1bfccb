/** Makes the workflow bundle of a compiled tree, `workflows/bundle.js`, so that a worker starts without bundling. Run after `tsc`. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

async function main(): Promise<void> {
  const workflowsPath = require.resolve('../workflows');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const bundle = path.join(path.dirname(workflowsPath), 'bundle.js');
  await writeFile(bundle, code);
  process.stdout.write(`${bundle}: ${Math.round(code.length / 1024)} KiB\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
