// Before all fault tests: one cluster with an empty data folder. Tests read WLOPS_DATA_DIR (run.json names the addresses) and
// WLOPS_TEST_PROXIES (the address of toxiproxy). WLOPS_TEST_CLUSTER names the data folder of a cluster that runs already (`npm run faults`),
// which is then used and left running: for work on a single test.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startStack } = require('../../system/support/stack.cjs');

/** @param {string} dataDir */
function useCluster(dataDir) {
  process.env.WLOPS_DATA_DIR = dataDir;
  process.env.WLOPS_TEST_PROXIES = JSON.parse(fs.readFileSync(path.join(dataDir, 'faults.json'), 'utf8')).proxies;
}

module.exports = async () => {
  if (process.env.WLOPS_TEST_CLUSTER) return useCluster(process.env.WLOPS_TEST_CLUSTER);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-faults-'));
  // The database server may run under another account, which must be able to walk in.
  fs.chmodSync(folder, 0o755);
  const dataDir = path.join(folder, 'data');
  const stack = await startStack({ dataDir, command: 'faults' });
  globalThis.wlopsFaults = { stack, folder };
  useCluster(dataDir);
};
