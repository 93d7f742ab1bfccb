-- Job store of one service. The states and their transitions are enforced here, whatever the code above does.

CREATE TABLE IF NOT EXISTS jobs (
  number       INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival
  job_id       TEXT NOT NULL UNIQUE,
  job_key      TEXT NOT NULL UNIQUE,
  task_id      TEXT NOT NULL,
  iteration    INTEGER NOT NULL,
  phase        TEXT NOT NULL,
  segment      INTEGER NOT NULL,
  body         TEXT NOT NULL,              -- the request, JSON
  body_sha256  TEXT NOT NULL,              -- of its canonical form
  request_id   TEXT,                       -- of the call that brought it, for the logs
  state        TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'paused')),
  requested    TEXT CHECK (requested IN ('cancel', 'pause')), -- what the job was told
  attempt      INTEGER NOT NULL DEFAULT 0, -- times started
  progress     TEXT,
  result       TEXT,
  error        TEXT,
  created_at   TEXT NOT NULL,
  started_at   TEXT,
  finished_at  TEXT,
  updated_at   TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS jobs_by_task ON jobs (task_id, number);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number);

-- How far the attempts that died had come, in each stage that one of them had told of.
CREATE TABLE IF NOT EXISTS furthest (
  job_id TEXT NOT NULL,
  stage  TEXT NOT NULL,
  step   INTEGER NOT NULL,
  PRIMARY KEY (job_id, stage)
) WITHOUT ROWID;

-- Attempts that ended without an answer and were followed by another one: for people, and to judge the next death by.
CREATE TABLE IF NOT EXISTS restarts (
  job_id    TEXT NOT NULL,
  attempt   INTEGER NOT NULL,              -- the one that ended
  at        TEXT NOT NULL,
  cause     TEXT NOT NULL CHECK (cause IN ('process', 'service')), -- which of the two ended
  exit_code INTEGER,                       -- of the process, where that is known
  progress  TEXT,                          -- the last that was shown of it; `silent` when that is no progress of its own; `why` it ended, if known
  PRIMARY KEY (job_id, attempt)
) WITHOUT ROWID;

-- Jobs that were cancelled before they arrived.
CREATE TABLE IF NOT EXISTS tombstones (
  job_id     TEXT PRIMARY KEY,
  created_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS transitions (
  from_state TEXT NOT NULL,
  to_state   TEXT NOT NULL,
  PRIMARY KEY (from_state, to_state)
) WITHOUT ROWID;

INSERT OR IGNORE INTO transitions VALUES
  ('queued', 'running'), ('queued', 'cancelled'), ('queued', 'paused'), ('queued', 'failed'),
  ('running', 'queued'), ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled'), ('running', 'paused');

CREATE TRIGGER IF NOT EXISTS jobs_are_born_waiting BEFORE INSERT ON jobs
WHEN NEW.state NOT IN ('queued', 'cancelled')
BEGIN SELECT RAISE(ABORT, 'a job is born queued or cancelled'); END;

CREATE TRIGGER IF NOT EXISTS finished_jobs_never_change BEFORE UPDATE ON jobs
WHEN OLD.state IN ('succeeded', 'failed', 'cancelled', 'paused')
BEGIN SELECT RAISE(ABORT, 'a finished job never changes'); END;

CREATE TRIGGER IF NOT EXISTS states_follow_the_table BEFORE UPDATE OF state ON jobs
WHEN OLD.state <> NEW.state
  AND NOT EXISTS (SELECT 1 FROM transitions WHERE from_state = OLD.state AND to_state = NEW.state)
BEGIN SELECT RAISE(ABORT, 'no such transition'); END;
