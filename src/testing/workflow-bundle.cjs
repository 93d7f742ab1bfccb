// Bundles the workflows for the sandbox: a workflow that imports what it may not fails here.
const fs = require('node:fs');
const { bundleWorkflowCode, DefaultLogger } = require('@temporalio/worker');

/** Bundles from `workflowsPath` into `file`. */
async function bundleWorkflows(workflowsPath, file) {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  fs.writeFileSync(file, code);
}

module.exports = { bundleWorkflows };
