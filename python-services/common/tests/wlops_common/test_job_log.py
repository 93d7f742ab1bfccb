from __future__ import annotations

import os
from pathlib import Path

from wlops_common.jobs.job_log import bound_log, read_tail


def test_a_log_that_grew_too_long_keeps_its_newest_whole_lines_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    bound_log(log, max_bytes=1000)
    lines = log.read_text().splitlines()
    assert "dropped" in lines[0]
    assert lines[-1] == "line 999"
    assert lines[1:] == [f"line {number}" for number in range(1000 - len(lines) + 1, 1000)]
    assert log.stat().st_size <= 600


def test_a_writer_that_appends_goes_on_after_the_cut(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    writer = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(writer, b"old\n" * 1000)
    bound_log(log, max_bytes=1000)
    os.write(writer, b"new\n")
    os.close(writer)
    assert log.read_bytes().endswith(b"old\nnew\n")
    assert b"\0" not in log.read_bytes()


def test_a_short_log_and_a_missing_one_stay_as_they_are(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text("one\n")
    bound_log(log, max_bytes=1000)
    assert log.read_text() == "one\n"
    bound_log(tmp_path / "none.log", max_bytes=1000)
    assert read_tail(tmp_path / "none.log", 10) == b""
