"""Finished jobs are kept for a while and then forgotten, in a service that is never restarted too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness import train_request
from probe_service import DEFINITION, ProbeSettings

from wlops_common.errors import JobNotFound
from wlops_common.jobs.runner import JobRunner
from wlops_common.jobs.store import JobStore
from wlops_common.metrics import ServiceMetrics

DAY_SECONDS = 24 * 3600.0


def _finished(store: JobStore, segment: int, days_ago: int) -> str:
    job = store.submit(train_request(segment=segment))
    store.start_next()
    store.finish(job.job_id, "succeeded", result={})
    finished = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(timespec="milliseconds")
    # A finished job never changes, so the trigger has to go for the test to age it.
    for (trigger,) in store._connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        store._connection.execute(f"DROP TRIGGER {trigger}")
    store._connection.execute(
        "UPDATE jobs SET finished_at = ? WHERE job_id = ?", (finished.replace("+00:00", "Z"), job.job_id)
    )
    return job.job_id


def test_old_jobs_and_their_logs_go_once_a_day(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    settings = ProbeSettings.model_construct(data_dir=tmp_path)
    runner = JobRunner(DEFINITION, settings, store, ServiceMetrics("trainer", store))
    runner._forget_when_due(1.0)
    old, young = _finished(store, 0, days_ago=31), _finished(store, 1, days_ago=29)
    log = runner.log_file(old)
    log.parent.mkdir(parents=True)
    log.write_text("done")

    runner._forget_when_due(DAY_SECONDS)
    assert log.exists()
    runner._forget_when_due(DAY_SECONDS + 1.0)
    assert not log.exists()
    assert store.find(young).state == "succeeded"
    with pytest.raises(JobNotFound):
        store.find(old)
    store.close()
