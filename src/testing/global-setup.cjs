// Before all tests: real servers with the current tables, and the workflow bundle, made once. Tests read the addresses from the environment.
const fs = require('node:fs');
const path = require('node:path');
const { startServers } = require('./servers.cjs');
const { bundleWorkflows } = require('./workflow-bundle.cjs');

const SEARCH_ATTRIBUTES = [
  ...['WlopsTaskId', 'WlopsUserId', 'WlopsMode', 'WlopsStatus', 'WlopsModel', 'WlopsDatasetId'].map((name) => ({
    name,
    type: 'Keyword',
  })),
  { name: 'WlopsIteration', type: 'Int' },
  { name: 'WlopsScore', type: 'Double' },
];

module.exports = async () => {
  const root = path.resolve(__dirname, '../..');
  const servers = await startServers(SEARCH_ATTRIBUTES);
  const bundleFile = path.join(fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'wlops-bundle-')), 'workflows.js');
  globalThis.wlopsTest = {
    stop: async () => {
      await servers.stop();
      fs.rmSync(path.dirname(bundleFile), { recursive: true, force: true });
    },
  };
  try {
    const { migrate } = await import('../../tools/prisma/migrate.mjs');
    await migrate({ url: servers.databaseUrl, directory: path.join(root, 'prisma/migrations') });
    await bundleWorkflows(path.join(root, 'workflows/index.ts'), bundleFile);
  } catch (error) {
    await globalThis.wlopsTest.stop();
    throw error;
  }
  process.env.WLOPS_TEST_DATABASE_URL = servers.databaseUrl;
  process.env.WLOPS_TEST_TEMPORAL_ADDRESS = servers.temporalAddress;
  process.env.WLOPS_TEST_WORKFLOW_BUNDLE = bundleFile;
};
