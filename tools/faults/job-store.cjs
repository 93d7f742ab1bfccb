// @ts-check
// What a service's job store holds, read beside the service and without it. SQLite comes with Python on every version of Node that we
// run on.
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');

/** Prints the rows as JSON. */
const SCRIPT = `
import json, sqlite3, sys
db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=10)
db.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in db.execute(
    "SELECT jobs.*, (SELECT count(*) FROM restarts WHERE restarts.job_id = jobs.job_id AND cause = 'process') AS crashes FROM jobs ORDER BY number"
)]))
`;
const MAX_BYTES = 2 ** 28;

/** @param {string | null} text */
const timeOf = (text) => (text === null ? null : Date.parse(text));

/** @param {string | null} progress */
const stepOf = (progress) => (progress === null ? null : JSON.parse(progress).step);

/**
 * The jobs of a store in the order in which they were given; none where there is no store yet.
 * @param {string} python
 * @param {string} file
 * @returns {import('./job-store.cjs').StoredJob[]}
 */
exports.storedJobs = function storedJobs(python, file) {
  if (!fs.existsSync(file)) return [];
  const output = execFileSync(python, ['-c', SCRIPT, file], { encoding: 'utf8', maxBuffer: MAX_BYTES });
  return JSON.parse(output).map((/** @type {any} */ row) => ({
    jobId: row.job_id,
    taskId: row.task_id,
    iteration: row.iteration,
    phase: row.phase,
    segment: row.segment,
    state: row.state,
    attempt: row.attempt,
    crashes: row.crashes,
    step: stepOf(row.progress),
    createdAt: Date.parse(row.created_at),
    startedAt: timeOf(row.started_at),
    finishedAt: timeOf(row.finished_at),
  }));
};
