// @ts-check
// The processes of jobs: they work in a folder of their own below the stack's work folder, named after the job.
const fs = require('node:fs');
const path = require('node:path');

/**
 * The processes that work for jobs, of one service or of all. Linux only: elsewhere none are found.
 * @param {string} dataDir
 * @param {string} [service]
 * @returns {{ pid: number, service: string, folder: string }[]}
 */
exports.jobProcesses = function jobProcesses(dataDir, service) {
  if (!fs.existsSync('/proc')) return [];
  const root = `${path.join(fs.realpathSync(dataDir), 'work')}${path.sep}`;
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const folder = fs.readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
        if (!folder.startsWith(root)) return [];
        const [owner = '', job = ''] = folder.slice(root.length).split(path.sep);
        return [{ pid: Number(pid), service: owner, folder: job }];
      } catch {
        return [];
      }
    })
    .filter((process) => service === undefined || process.service === service);
};
