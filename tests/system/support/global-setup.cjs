// Before all system tests: one stack and the sample data. Tests read WLOPS_DATA_DIR (run.json names the addresses), WLOPS_PORT_OFFSET,
// and WLOPS_SAMPLES_DIR (training.jsonl, validation.jsonl, messages.csv).
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT, startStack } = require('./stack.cjs');

module.exports = async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wlops-system-'));
  // The database server may run under another account, which must be able to walk in.
  fs.chmodSync(folder, 0o755);
  const samples = path.join(folder, 'samples');
  const python = process.env.WLOPS_TEST_PYTHON || 'python3';
  for (const script of ['maths_word_problems.py', 'support_messages.py']) {
    execFileSync(python, [path.join(ROOT, 'samples', script), '--out', samples], { stdio: 'pipe' });
  }
  const dataDir = path.join(folder, 'data');
  const stack = await startStack({ dataDir });
  globalThis.wlopsSystem = { stack, folder };
  process.env.WLOPS_DATA_DIR = dataDir;
  process.env.WLOPS_PORT_OFFSET = stack.env.WLOPS_PORT_OFFSET;
  process.env.WLOPS_SAMPLES_DIR = samples;
};
