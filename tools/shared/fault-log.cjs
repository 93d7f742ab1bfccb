// @ts-check
// <data dir>/faults.jsonl: every fault that was made, and every stop of the stack, for the checker, which blames repeated work on them.
// CommonJS, so that the fault tests can load it too.
const path = require('node:path');
const { addJsonLine } = require('./json-lines.cjs');

exports.FAULT_LOG = 'faults.jsonl';

/** @param {string} dataDir @param {string} target such as `trainer` or `job of trainer` @param {object} [details] */
exports.noteFault = function noteFault(dataDir, target, details = {}) {
  addJsonLine(path.join(dataDir, exports.FAULT_LOG), { at: Date.now(), target, ...details });
};
